// Casts through text: every type's input and output function as a cast from and to text, varchar,
// char(n) and name.
#include <charconv>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"
#include "engine/functions/vector_map.h"
#include "engine/types/float_text.h"
#include "engine/types/inet_text.h"
#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

/// Plain digits take this way; everything else, errors too, the type's input function.
template <class T>
bool parse_plain(std::string_view text, T& out) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stop == end;
}

// Not what from_chars takes and the input function refuses: a second sign, nan(…).
bool parse_plain(std::string_view text, double& out) {
  int64_t integer = 0;
  constexpr int64_t kExact = int64_t{1} << 53;
  // Of a zero the sign counts.
  if (parse_plain(text, integer) && integer != 0 && integer >= -kExact && integer <= kExact) {
    out = static_cast<double>(integer);
    return true;
  }
  const size_t sign = text.starts_with('-') ? 1 : 0;
  if (text.size() <= sign || text[sign] < '0' || text[sign] > '9') return false;
  return parse_plain<double>(text, out);
}

Result<double> parse_input(std::string_view text, double*) { return parse_float8(text); }
template <class T>
Result<T> parse_input(std::string_view text, T*) {
  return parse_integer<T>(text);
}

template <class T>
Status parse_rows(const Vector& in, uint32_t rows, Vector& out) {
  const auto view = in.view<StringRef>();
  T* data = out.data<T>();
  for (uint32_t i = 0; i < rows; ++i) {
    if (!view.valid(i)) {
      out.set_null(i);
      data[i] = T{};
      continue;
    }
    if (parse_plain(view[i].view(), data[i])) continue;
    ASSIGN_OR_RETURN(data[i], parse_input(view[i].view(), &data[i]));
  }
  return Status();
}

Status parse_any(const CallFrame& frame, const Vector& in, uint32_t rows, Vector& out) {
  const auto view = in.view<StringRef>();
  const StringHeap* heap = physical_of(out.type()) == Physical::kBytes ? &out.heap() : nullptr;
  RowGuard guard(frame.context, rows);
  for (uint32_t i = 0; i < rows; ++i) {
    RETURN_IF_ERROR(guard.step(view[i].size, heap));
    if (!view.valid(i)) {
      out.set_null(i);
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value,
                     datum_from_text(frame.context, frame.result_type, view[i].view()));
    out.set_datum(i, value);
  }
  return Status();
}

Status from_text(const CallFrame& frame, Vector& result) {
  return map_vector(frame, result,
                    [](const CallFrame& f, const Vector& in, uint32_t rows, Vector& out) {
                      switch (f.result_type.id) {
                        case oid::kInt2: return parse_rows<int16_t>(in, rows, out);
                        case oid::kInt4: return parse_rows<int32_t>(in, rows, out);
                        case oid::kInt8: return parse_rows<int64_t>(in, rows, out);
                        case oid::kFloat8: return parse_rows<double>(in, rows, out);
                        default: return parse_any(f, in, rows, out);
                      }
                    });
}

template <class T>
Status print_integers(const Vector& in, uint32_t rows, Vector& out) {
  const auto view = in.view<T>();
  char buffer[24];
  for (uint32_t i = 0; i < rows; ++i) {
    if (!view.valid(i)) {
      out.data<StringRef>()[i] = StringRef{};
      out.set_null(i);
      continue;
    }
    const char* end = std::to_chars(buffer, buffer + sizeof buffer, view[i]).ptr;
    out.set_string(i, {buffer, static_cast<size_t>(end - buffer)});
  }
  return Status();
}

Status to_text(const CallFrame& frame, Vector& result) {
  return map_vector(frame, result,
                    [](const CallFrame& f, const Vector& in, uint32_t rows, Vector& out) -> Status {
                      switch (in.type()) {
                        case oid::kInt2: return print_integers<int16_t>(in, rows, out);
                        case oid::kInt4: return print_integers<int32_t>(in, rows, out);
                        case oid::kInt8: return print_integers<int64_t>(in, rows, out);
                        default: break;
                      }
                      std::string buffer;
                      const StringHeap& heap = out.heap();
                      RowGuard guard(f.context, rows);
                      for (uint32_t i = 0; i < rows; ++i) {
                        RETURN_IF_ERROR(guard.step(buffer.size(), &heap));
                        if (in.is_null(i)) {
                          out.data<StringRef>()[i] = StringRef{};
                          out.set_null(i);
                          continue;
                        }
                        buffer.clear();
                        if (in.type() == oid::kInet) {
                          // Not its output function: as a cast, inet always shows its length.
                          append_inet(in.view<StringRef>()[i].view(), true, buffer);
                        } else {
                          append_text(f.context.format, in, i, buffer);
                        }
                        out.set_string(i, buffer);
                      }
                      return Status();
                    });
}

// Types with an input function that can be called without a catalog of relations.
constexpr Oid kTypes[] = {
    oid::kBool, oid::kBytea, oid::kChar, oid::kInt8, oid::kInt2, oid::kInt4, oid::kOid, oid::kJson,
    oid::kFloat4, oid::kFloat8, oid::kMacaddr, oid::kInet, oid::kCidr, oid::kDate, oid::kTime,
    oid::kTimestamp, oid::kTimestamptz, oid::kInterval, oid::kTimetz, oid::kNumeric, oid::kUuid,
    oid::kJsonb, oid::kBoolArray, oid::kByteaArray, oid::kCharArray, oid::kNameArray,
    oid::kInt2Array, oid::kInt4Array, oid::kTextArray, oid::kBpcharArray, oid::kVarcharArray,
    oid::kInt8Array, oid::kFloat4Array, oid::kFloat8Array, oid::kOidArray, oid::kTimestampArray,
    oid::kDateArray, oid::kTimeArray, oid::kTimestamptzArray, oid::kIntervalArray,
    oid::kNumericArray, oid::kTimetzArray, oid::kJsonArray, oid::kUuidArray, oid::kJsonbArray,
    oid::kInetArray, 774, 4072, 651, 775, 1040, 1560, 1561, 1562, 1563};
constexpr Oid kTextTypes[] = {oid::kText, oid::kVarchar, oid::kBpchar, oid::kName};
/// Only printed: reading them needs the catalog, which the binder does.
constexpr Oid kOutputOnly[] = {oid::kRecord, oid::kRegproc, oid::kRegclass, oid::kRegtype, 2202, 2203, 28, 29};

Volatility io_volatility(Oid type) {
  const char category = type_info(type).category;
  return category == 'D' || category == 'T' || category == 'A' ? Volatility::kStable
                                                               : Volatility::kImmutable;
}

}  // namespace

void register_io_casts(FunctionCatalog::Builder& builder) {
  const auto add = [&](Oid source, Oid target, Oid type, Kernel kernel) {
    ScalarFunction function;
    function.name = target == type ? "eventd_text_in" : "eventd_text_out";
    function.arguments = {source};
    function.result = target;
    function.volatility = io_volatility(type);
    function.kernel = kernel;
    builder.add_io_cast(source, target, builder.add_function(std::move(function)));
  };
  const auto add_json_cast = [&](Oid source, Oid target, Kernel kernel) {
    ScalarFunction function;
    function.name = "eventd_json_cast";
    function.arguments = {source};
    function.result = target;
    function.kernel = kernel;
    builder.add_cast({source, target, CastContext::kAssignment,
                      builder.add_function(std::move(function))});
  };
  add_json_cast(oid::kJsonb, oid::kJson, to_text);
  add_json_cast(oid::kJson, oid::kJsonb, from_text);
  for (const Oid text : kTextTypes) {
    for (const Oid type : kTypes) {
      if (find_type(type) == nullptr) continue;
      add(text, type, type, from_text);
      add(type, text, type, to_text);
    }
    for (const Oid type : kOutputOnly) {
      if (find_type(type) != nullptr) add(type, text, type, to_text);
    }
  }
}

}  // namespace eventd::engine
