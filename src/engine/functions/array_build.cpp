// Making arrays: ||, array_append, array_prepend, array_cat, array_fill, trim_array.
#include <string>

#include "bytes.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Dimensions = std::vector<ArrayDimension>;

Oid element_type_of(Oid array) {
  const TypeInfo* info = find_type(array);
  return info != nullptr ? info->element : oid::kInvalid;
}

Status array_error(SqlState code, std::string message, std::string detail) {
  Error error{code, std::move(message), {}, {}, {}, 0};
  error.detail = std::move(detail);
  return Status(std::move(error));
}
Status incompatible(std::string detail) {
  return array_error(sqlstate::kArraySubscriptError, "cannot concatenate incompatible arrays", std::move(detail));
}

void copy_elements(ArrayReader& from, int64_t count, ArrayBuilder& to) {
  for (int64_t i = 0; i < count; ++i) {
    if (const auto element = from.next()) to.add(*element);
    else to.add_null();
  }
}

Status size_exceeded() {
  return Status(sqlstate::kProgramLimitExceeded,
                "array size exceeds the maximum allowed (" + std::to_string(kArrayElementsMax) + ")");
}

bool same_from(const Dimensions& a, size_t skip_a, const Dimensions& b, size_t skip_b) {
  for (size_t i = 0; i + skip_a < a.size(); ++i)
    if (!(a[i + skip_a] == b[i + skip_b])) return false;
  return true;
}

/// The dimensions of a || b.
Result<Dimensions> joined_dimensions(const Dimensions& a, const Dimensions& b) {
  Dimensions joined = a.size() >= b.size() ? a : b;
  const char* const differing = "Arrays with differing dimensions are not compatible for concatenation.";
  if (a.size() == b.size()) {
    if (!same_from(a, 1, b, 1))
      return incompatible("Arrays with differing element dimensions are not compatible for concatenation.");
    joined[0].size += b[0].size;
  } else if (a.size() + 1 == b.size()) {
    if (!same_from(a, 0, b, 1)) return incompatible(differing);
    ++joined[0].size;
  } else if (a.size() == b.size() + 1) {
    if (!same_from(b, 0, a, 1)) return incompatible(differing);
    ++joined[0].size;
  } else {
    return incompatible("Arrays of " + std::to_string(a.size()) + " and " + std::to_string(b.size()) +
                        " dimensions are not compatible for concatenation.");
  }
  return joined;
}

/// NULL counts as empty, unless both are.
Status array_cat(const CallFrame& frame, Vector& result) {
  const auto left = frame.arguments[0].view<StringRef>(), right = frame.arguments[1].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!left.valid(row) || !right.valid(row)) {
      if (left.valid(row)) out.set_string(row, left[row].view());
      else if (right.valid(row)) out.set_string(row, right[row].view());
      else out.set_null(row);
      return Status();
    }
    ASSIGN_OR_RETURN(ArrayReader a, ArrayReader::open(left[row].view()));
    ASSIGN_OR_RETURN(ArrayReader b, ArrayReader::open(right[row].view()));
    if (a.dimensions().empty() || b.dimensions().empty()) {
      out.set_string(row, (a.dimensions().empty() ? right : left)[row].view());
      return Status();
    }
    ASSIGN_OR_RETURN(const Dimensions dimensions, joined_dimensions(a.dimensions(), b.dimensions()));
    if (a.element_count() + b.element_count() > kArrayElementsMax) return size_exceeded();
    ArrayBuilder joined(a.element_type());
    copy_elements(a, a.element_count(), joined);
    copy_elements(b, b.element_count(), joined);
    out.set_string(row, joined.finish(dimensions));
    return Status();
  });
}

template <bool kAtEnd>
Status array_extend(const CallFrame& frame, Vector& result) {
  const auto arrays = frame.arguments[kAtEnd ? 0 : 1].view<StringRef>();
  const Vector& values = frame.arguments[kAtEnd ? 1 : 0];
  std::string bytes;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    ArrayBuilder builder(element_type_of(frame.result_type.id));
    const auto add_value = [&] {
      if (values.is_null(row)) return builder.add_null();
      bytes.clear();
      append_binary(values, row, bytes);
      builder.add(bytes);
    };
    int32_t lower = 1;
    if (!kAtEnd) add_value();
    if (arrays.valid(row)) {
      ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
      if (reader.dimensions().size() > 1)
        return Status(SqlState{"22000"}, "argument must be empty or one-dimensional array");
      if (reader.dimensions().size() == 1) lower = reader.dimensions()[0].lower;
      if (reader.element_count() >= kArrayElementsMax) return size_exceeded();
      if (int64_t{lower} + reader.element_count() > INT32_MAX - 1) return fault::kIntegerRange.status();
      copy_elements(reader, reader.element_count(), builder);
    }
    if (kAtEnd) add_value();
    out.set_string(row, builder.finish({{static_cast<int32_t>(builder.size()), lower}}));
    return Status();
  });
}

/// An int4[] of array_fill as numbers.
Result<std::vector<int32_t>> read_numbers(std::string_view array, const char* what) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(array));
  if (reader.dimensions().size() > 1)
    return array_error(sqlstate::kArraySubscriptError, "wrong number of array subscripts",
                       std::string(what) + " must be one dimensional.");
  std::vector<int32_t> numbers;
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const auto element = reader.next();
    if (!element) return Status(sqlstate::kNullValueNotAllowed, "dimension values cannot be null");
    numbers.push_back(element->size() == 4 ? load_be<int32_t>(element->data()) : 0);
  }
  return numbers;
}

Result<Dimensions> fill_dimensions(const CallFrame& frame, uint32_t row) {
  for (const Vector& argument : frame.arguments.subspan(1))
    if (argument.is_null(row))
      return Status(sqlstate::kNullValueNotAllowed, "dimension array or low bound array cannot be null");
  ASSIGN_OR_RETURN(const std::vector<int32_t> sizes,
                   read_numbers(frame.arguments[1].view<StringRef>()[row].view(), "Dimension array"));
  std::vector<int32_t> lowers(sizes.size(), 1);
  if (sizes.size() > static_cast<size_t>(kArrayDimensionsMax))
    return Status(sqlstate::kProgramLimitExceeded, "number of array dimensions (" + std::to_string(sizes.size()) +
                                                       ") exceeds the maximum allowed (" +
                                                       std::to_string(kArrayDimensionsMax) + ")");
  if (frame.arguments.size() > 2) {
    ASSIGN_OR_RETURN(lowers, read_numbers(frame.arguments[2].view<StringRef>()[row].view(), "Low bound array"));
    if (lowers.size() != sizes.size())
      return array_error(sqlstate::kArraySubscriptError, "wrong number of array subscripts",
                         "Low bound array has different size than dimensions array.");
  }
  Dimensions dimensions;
  int64_t count = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0) return size_exceeded();
    count *= sizes[i];
    if (count > kArrayElementsMax) return size_exceeded();
    if (int64_t{lowers[i]} + sizes[i] > INT32_MAX)
      return Status(sqlstate::kProgramLimitExceeded, "array lower bound is too large: " + std::to_string(lowers[i]));
    dimensions.push_back({sizes[i], lowers[i]});
  }
  if (count == 0) dimensions.clear();
  return dimensions;
}

Status array_fill(const CallFrame& frame, Vector& result) {
  std::string bytes;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    ASSIGN_OR_RETURN(const Dimensions dimensions, fill_dimensions(frame, row));
    ArrayBuilder builder(element_type_of(frame.result_type.id));
    int64_t count = dimensions.empty() ? 0 : 1;
    for (const ArrayDimension& d : dimensions) count *= d.size;
    const bool null = frame.arguments[0].is_null(row);
    bytes.clear();
    if (!null) append_binary(frame.arguments[0], row, bytes);
    if (static_cast<uint64_t>(count) * (4 + bytes.size()) > kMaxTextBytes) return size_exceeded();
    for (int64_t i = 0; i < count; ++i) {
      if (null) builder.add_null();
      else builder.add(bytes);
    }
    out.set_string(row, builder.finish(dimensions));
    return Status();
  });
}

Status trim_array(const CallFrame& frame, Vector& result) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  const auto counts = frame.arguments[1].view<int32_t>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!arrays.valid(row) || !counts.valid(row)) {
      out.set_null(row);
      return Status();
    }
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
    Dimensions dimensions = reader.dimensions();
    const int32_t length = dimensions.empty() ? 0 : dimensions[0].size;
    const int32_t dropped = counts[row];
    if (dropped < 0 || dropped > length)
      return Status(sqlstate::kArraySubscriptError,
                    "number of elements to trim must be between 0 and " + std::to_string(length));
    ArrayBuilder kept(reader.element_type());
    if (dropped == length) {
      out.set_string(row, kept.finish());
      return Status();
    }
    copy_elements(reader, reader.element_count() / length * (length - dropped), kept);
    dimensions[0].size -= dropped;
    for (ArrayDimension& d : dimensions) d.lower = 1;  // as a slice
    out.set_string(row, kept.finish(dimensions));
    return Status();
  });
}

}  // namespace

void register_array_build(FunctionCatalog::Builder& builder) {
  builder.builtin("array_cat(anycompatiblearray,anycompatiblearray)", array_cat);
  builder.builtin("array_append(anycompatiblearray,anycompatible)", array_extend<true>);
  builder.builtin("array_prepend(anycompatible,anycompatiblearray)", array_extend<false>);
  const auto array_of_element = [](std::span<const Type> arguments) {
    const TypeInfo* info = arguments.empty() ? nullptr : find_type(arguments[0].id);
    return Type{info != nullptr ? info->array : oid::kInvalid, -1};
  };
  builder.builtin("array_fill(anyelement,_int4)", array_fill, nullptr, array_of_element);
  builder.builtin("array_fill(anyelement,_int4,_int4)", array_fill, nullptr, array_of_element);
  builder.builtin("trim_array(anyarray,int4)", trim_array);
}

}  // namespace eventd::engine
