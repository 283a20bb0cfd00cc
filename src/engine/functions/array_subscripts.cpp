// array[i][j] and array[a:b][c:d]: PostgreSQL has expression nodes for them, we have functions.
#include <algorithm>
#include <limits>
#include <vector>

#include "engine/functions/function_registry.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

/// Calls `fn(row, reader)` where no argument is NULL; NULL elsewhere. fn returns false for NULL.
template <class Fn>
Status each_subscripted(const CallFrame& frame, Vector& result, const Fn& fn) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  result = Vector::flat(frame.result_type.id, frame.rows);
  for (uint32_t row = 0; row < frame.rows; ++row) {
    bool valid = true;
    for (const Vector& argument : frame.arguments) valid = valid && !argument.is_null(row);
    if (valid) {
      ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
      ASSIGN_OR_RETURN(valid, fn(row, reader));
    }
    if (!valid) result.set_null(row);
  }
  return Status();
}

/// (array, i, j, …): NULL when the number of dimensions is another one or an index is outside.
Status array_element(const CallFrame& frame, Vector& result) {
  return each_subscripted(frame, result, [&](uint32_t row, ArrayReader& reader) -> Result<bool> {
    const std::vector<ArrayDimension>& dimensions = reader.dimensions();
    if (dimensions.size() + 1 != frame.arguments.size()) return false;
    int64_t offset = 0;
    for (size_t d = 0; d < dimensions.size(); ++d) {
      const int64_t index = int64_t{frame.arguments[d + 1].view<int32_t>()[row]} - dimensions[d].lower;
      if (index < 0 || index >= dimensions[d].size) return false;
      offset = offset * dimensions[d].size + index;
    }
    for (int64_t i = 0; i < offset; ++i) reader.next();
    const auto element = reader.next();
    if (!element.has_value()) return false;
    ASSIGN_OR_RETURN(const Datum value,
                     datum_from_binary(Type{frame.result_type.id, -1}, *element));
    result.set_datum(row, value);
    return true;
  });
}

/// (array, low, high, low, high, …), as array_get_slice(): bounds clipped to the array's, dimensions
/// without a subscript whole, an empty array where nothing is left; the result counts from 1.
Status array_slice(const CallFrame& frame, Vector& result) {
  return each_subscripted(frame, result, [&](uint32_t row, ArrayReader& reader) -> Result<bool> {
    const std::vector<ArrayDimension>& dimensions = reader.dimensions();
    const size_t given = (frame.arguments.size() - 1) / 2;
    ArrayBuilder builder(reader.element_type());
    if (dimensions.empty() || given > dimensions.size()) {
      result.set_string(row, builder.finish());
      return true;
    }
    std::vector<int64_t> low(dimensions.size(), 0), high(dimensions.size());
    std::vector<ArrayDimension> sliced(dimensions.size());
    for (size_t d = 0; d < dimensions.size(); ++d) {
      high[d] = dimensions[d].size - 1;
      if (d < given) {
        const int64_t lower = frame.arguments[1 + 2 * d].view<int32_t>()[row];
        const int64_t upper = frame.arguments[2 + 2 * d].view<int32_t>()[row];
        low[d] = std::max<int64_t>(lower - dimensions[d].lower, 0);
        high[d] = std::min<int64_t>(upper - dimensions[d].lower, high[d]);
      }
      if (low[d] > high[d]) {
        result.set_string(row, builder.finish());
        return true;
      }
      sliced[d] = {static_cast<int32_t>(high[d] - low[d] + 1), 1};
    }
    std::vector<int64_t> at(dimensions.size(), 0);
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const auto element = reader.next();
      bool inside = true;
      for (size_t d = 0; d < at.size(); ++d) inside = inside && at[d] >= low[d] && at[d] <= high[d];
      if (inside && element.has_value()) builder.add(*element);
      if (inside && !element.has_value()) builder.add_null();
      for (size_t d = at.size(); d-- > 0;) {
        if (++at[d] < dimensions[d].size) break;
        at[d] = 0;
      }
    }
    result.set_string(row, builder.finish(sliced));
    return true;
  });
}

}  // namespace

void register_array_subscripts(FunctionCatalog::Builder& builder) {
  ScalarFunction element;
  element.name = "eventd_array_element";
  element.arguments = {oid::kAnyArray, oid::kInt4};
  element.variadic = true;
  element.result = oid::kAnyElement;
  element.kernel = array_element;
  builder.add_function(std::move(element));
  ScalarFunction slice;
  slice.name = "eventd_array_slice";
  slice.arguments = {oid::kAnyArray, oid::kInt4};
  slice.variadic = true;
  slice.result = oid::kAnyArray;
  slice.kernel = array_slice;
  builder.add_function(std::move(slice));
}

}  // namespace eventd::engine
