// = <> < <= > >=, by the orders of ordering.h.
//
// Only `=` and `<` of each order are loops of their own: the other four are these with swapped
// arguments or a negated result, and mixed number types are widened first. That keeps the code
// small; the extra pass over a batch costs less than a tenth of a nanosecond a row.
#include <array>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"
#include "engine/functions/widen.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

void negate(Vector& values) {
  uint8_t* data = values.data<uint8_t>();
  for (uint32_t i = 0; i < values.size(); ++i) data[i] ^= 1;
}

/// NOT of a fresh result; NULL stays NULL.
void negate_result(Vector& result) {
  switch (result.form()) {
    case Vector::Form::kFlat: negate(result); break;
    case Vector::Form::kConstant:
      if (!result.is_null(0)) {
        result = Vector::constant(Datum::boolean(result.view<uint8_t>()[0] == 0), result.size());
      }
      break;
    case Vector::Form::kDictionary: {
      // The values were computed for this result, but only it may know: copy the few there are.
      const Vector& from = result.dictionary_values();
      const auto values = from.view<uint8_t>();
      Vector negated = Vector::flat(oid::kBool, from.size());
      for (uint32_t i = 0; i < from.size(); ++i) {
        negated.data<uint8_t>()[i] = values.valid(i) && values[i] == 0;
        if (!values.valid(i)) negated.set_null(i);
      }
      result = result.with_dictionary_values(negated);
      break;
    }
  }
}

enum class Operation { kEq, kNe, kLt, kLe, kGt, kGe };

Status run(const CallFrame& frame, Vector& result, Kernel equal, Kernel less, Operation operation) {
  const bool swapped = operation == Operation::kGt || operation == Operation::kLe;
  const Kernel kernel = operation == Operation::kEq || operation == Operation::kNe ? equal : less;
  if (swapped) {
    const std::array<Vector, 2> arguments = {frame.arguments[1], frame.arguments[0]};
    const CallFrame other{frame.context, arguments, frame.rows, frame.result_type, frame.state};
    RETURN_IF_ERROR(kernel(other, result));
  } else {
    RETURN_IF_ERROR(kernel(frame, result));
  }
  if (operation == Operation::kNe || operation == Operation::kLe || operation == Operation::kGe) {
    negate_result(result);
  }
  return Status();
}

template <class Order>
struct Loops {
  using V = typename Order::Value;
  // Branch-free bodies: the loops over flat numbers become vector code.
  static Status equal(const CallFrame& frame, Vector& result) {
    return map_rows<uint8_t, V, V>(frame, result, [](const V& a, const V& b, uint8_t& out) {
      out = Order::equal(a, b);
    });
  }
  static Status less(const CallFrame& frame, Vector& result) {
    return map_rows<uint8_t, V, V>(frame, result, [](const V& a, const V& b, uint8_t& out) {
      out = Order::less(a, b);
    });
  }
  template <Operation kOperation>
  static Status compare(const CallFrame& frame, Vector& result) {
    return run(frame, result, equal, less, kOperation);
  }
};

/// `kernels` in the order of Operation.
void register_six(Builder& builder, const std::string& prefix, const std::string& arguments,
                  const std::array<Kernel, 6>& kernels) {
  static constexpr const char* kNames[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  for (size_t i = 0; i < kernels.size(); ++i) {
    builder.builtin(prefix + kNames[i] + arguments, kernels[i]);
  }
}

template <class Order>
constexpr std::array<Kernel, 6> kKernels = {
    Loops<Order>::equal,
    Loops<Order>::template compare<Operation::kNe>,
    Loops<Order>::less,
    Loops<Order>::template compare<Operation::kLe>,
    Loops<Order>::template compare<Operation::kGt>,
    Loops<Order>::template compare<Operation::kGe>};

template <class Order>
void register_type(Builder& builder, const std::string& prefix, const std::string& type) {
  register_six(builder, prefix, "(" + type + "," + type + ")", kKernels<Order>);
}

// --- mixed number types ---

/// The kernels of one type over arguments widened to it.
template <class Order, Oid kType>
struct Mixed {
  template <Operation kOperation>
  static Status compare(const CallFrame& frame, Vector& result) {
    return call_widened(frame, result, kType, Loops<Order>::template compare<kOperation>);
  }
  static constexpr std::array<Kernel, 6> kKernels = {
      compare<Operation::kEq>, compare<Operation::kNe>, compare<Operation::kLt>,
      compare<Operation::kLe>, compare<Operation::kGt>, compare<Operation::kGe>};
};

void register_mixed(Builder& builder) {
  const auto& int4 = Mixed<PlainOrder<int32_t>, oid::kInt4>::kKernels;
  const auto& int8 = Mixed<PlainOrder<int64_t>, oid::kInt8>::kKernels;
  const auto& float8 = Mixed<FloatOrder<double>, oid::kFloat8>::kKernels;
  register_six(builder, "int24", "(int2,int4)", int4);
  register_six(builder, "int42", "(int4,int2)", int4);
  register_six(builder, "int28", "(int2,int8)", int8);
  register_six(builder, "int82", "(int8,int2)", int8);
  register_six(builder, "int48", "(int4,int8)", int8);
  register_six(builder, "int84", "(int8,int4)", int8);
  register_six(builder, "float48", "(float4,float8)", float8);
  register_six(builder, "float84", "(float8,float4)", float8);
}

/// PostgreSQL names text's half textXX, half text_XX; ~<~ and its kin are the same in C collation.
void register_bytes(Builder& builder) {
  const std::array<Kernel, 6>& bytes = kKernels<BytesOrder>;
  builder.builtin("texteq(text,text)", bytes[0]);
  builder.builtin("textne(text,text)", bytes[1]);
  builder.builtins({"text_lt(text,text)", "text_pattern_lt(text,text)"}, bytes[2]);
  builder.builtins({"text_le(text,text)", "text_pattern_le(text,text)"}, bytes[3]);
  builder.builtins({"text_gt(text,text)", "text_pattern_gt(text,text)"}, bytes[4]);
  builder.builtins({"text_ge(text,text)", "text_pattern_ge(text,text)"}, bytes[5]);
  for (const char* type : {"bytea", "char", "name", "bit", "varbit"}) register_type<BytesOrder>(builder, type, type);
  register_six(builder, "name", "text(name,text)", bytes);
  register_six(builder, "text", "name(text,name)", bytes);
  register_type<BytesOrder>(builder, "macaddr_", "macaddr");
  register_type<BytesOrder>(builder, "macaddr8_", "macaddr8");
  const std::array<Kernel, 6>& padded = kKernels<BpcharOrder>;
  builder.builtin("bpchar_pattern_lt(bpchar,bpchar)", padded[2]);
  builder.builtin("bpchar_pattern_le(bpchar,bpchar)", padded[3]);
  builder.builtin("bpchar_pattern_gt(bpchar,bpchar)", padded[4]);
  builder.builtin("bpchar_pattern_ge(bpchar,bpchar)", padded[5]);
}

}  // namespace

void register_comparison(Builder& builder) {
  register_type<PlainOrder<uint8_t>>(builder, "bool", "bool");
  register_type<PlainOrder<int16_t>>(builder, "int2", "int2");
  register_type<PlainOrder<int32_t>>(builder, "int4", "int4");
  register_type<PlainOrder<int64_t>>(builder, "int8", "int8");
  register_type<FloatOrder<float>>(builder, "float4", "float4");
  register_type<FloatOrder<double>>(builder, "float8", "float8");
  register_mixed(builder);
  register_type<OidOrder>(builder, "oid", "oid");
  register_type<NumericOrder>(builder, "numeric_", "numeric");
  register_type<UuidOrder>(builder, "uuid_", "uuid");
  register_type<BpcharOrder>(builder, "bpchar", "bpchar");
  register_bytes(builder);
  register_type<InetOrder>(builder, "network_", "inet");
  register_type<ArrayOrder>(builder, "array_", "anyarray");
  register_type<JsonbOrder>(builder, "jsonb_", "jsonb");
  register_type<PlainOrder<int32_t>>(builder, "date_", "date");
  for (const char* type : {"time", "timestamp", "timestamptz"}) {
    register_type<PlainOrder<int64_t>>(builder, std::string(type) + "_", type);
  }
  register_type<TimetzOrder>(builder, "timetz_", "timetz");
  register_type<IntervalOrder>(builder, "interval_", "interval");
}

}  // namespace eventd::engine
