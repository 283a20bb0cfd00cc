// Casts between arrays: the cast of the elements, over all of an array at once.
#include <vector>

#include "engine/functions/function_registry.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

/// How an element becomes one of the target type: a function, or the same bytes.
struct ElementCast {
  Type source, target;
  const ScalarFunction* cast = nullptr;
  const ScalarFunction* fit = nullptr;  ///< to the modifier, null = none
};

Result<ElementCast> element_cast(Oid source_array, Oid target_array, int32_t modifier) {
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  ElementCast out;
  out.source = {type_info(source_array).element, -1};
  out.target = {type_info(target_array).element, modifier};
  if (modifier >= 0) out.fit = catalog.modifier_cast(out.target.id);
  if (out.source.id == out.target.id) return out;
  if (const Cast* cast = catalog.cast(out.source.id, out.target.id)) {
    out.cast = cast->function;
    return out;
  }
  out.cast = catalog.io_cast(out.source.id, out.target.id);
  if (out.cast != nullptr) return out;
  return Status(sqlstate::kCannotCoerce, "cannot cast type " + format_type(out.source) + " to " +
                                             format_type({out.target.id, -1}));
}

/// function(values[, modifier[, explicit]]).
Status call_cast(const ScalarFunction& function, const CallFrame& frame, Type target,
                 Vector& values) {
  const uint32_t rows = values.size();
  std::vector<Vector> arguments{values};
  if (function.arguments.size() > 1) {
    arguments.push_back(Vector::constant(Datum::int4(target.modifier), rows));
  }
  if (function.arguments.size() > 2) {
    arguments.push_back(Vector::constant(Datum::boolean(true), rows));
  }
  Vector result;
  RETURN_IF_ERROR(function.kernel(CallFrame{frame.context, arguments, rows, target, nullptr},
                                  result));
  values = std::move(result);
  return Status();
}

Result<Vector> elements_of(ArrayReader reader, Type type) {
  const uint32_t count = static_cast<uint32_t>(reader.element_count());
  Vector values = Vector::flat(type.id, count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto element = reader.next();
    if (!element.has_value()) {
      values.set_null(i);
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value, datum_from_binary(type, *element));
    values.set_datum(i, value);
  }
  return values;
}

/// (array, modifier of the elements) → an array of frame.result_type; dimensions stay.
Status cast_array(const CallFrame& frame, Vector& result) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  const auto modifiers = frame.arguments[1].view<int32_t>();
  result = Vector::flat(frame.result_type.id, frame.rows);
  std::string bytes;
  for (uint32_t row = 0; row < frame.rows; ++row) {
    if (!arrays.valid(row)) {
      result.set_null(row);
      continue;
    }
    ASSIGN_OR_RETURN(const ElementCast cast,
                     element_cast(frame.arguments[0].type(), frame.result_type.id, modifiers[row]));
    ASSIGN_OR_RETURN(const ArrayReader reader, ArrayReader::open(arrays[row].view()));
    ASSIGN_OR_RETURN(Vector values, elements_of(reader, cast.source));
    if (cast.cast != nullptr && values.size() > 0) {
      RETURN_IF_ERROR(call_cast(*cast.cast, frame, {cast.target.id, -1}, values));
    }
    values.set_type(cast.target.id);
    if (cast.fit != nullptr && values.size() > 0) {
      RETURN_IF_ERROR(call_cast(*cast.fit, frame, cast.target, values));
    }
    ArrayBuilder builder(cast.target.id);
    for (uint32_t i = 0; i < values.size(); ++i) {
      if (values.is_null(i)) {
        builder.add_null();
        continue;
      }
      bytes.clear();
      append_binary(values, i, bytes);
      builder.add(bytes);
    }
    result.set_string(row, builder.finish(reader.dimensions()));
  }
  return Status();
}

}  // namespace

void register_array_casts(FunctionCatalog::Builder& builder) {
  ScalarFunction cast;
  cast.name = "eventd_array_cast";
  cast.arguments = {oid::kAnyArray, oid::kInt4};
  cast.result = oid::kAnyArray;
  cast.volatility = Volatility::kStable;  // some elements are read in the session's time zone
  cast.kernel = cast_array;
  builder.add_function(std::move(cast));
}

}  // namespace eventd::engine
