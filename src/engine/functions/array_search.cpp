// Looking into arrays: array_position(s), array_remove, array_replace, @> <@ &&, width_bucket.
#include <string>
#include <vector>

#include "bytes.h"
#include "engine/functions/array_order.h"
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Element = std::optional<std::string_view>;

std::vector<Element> read_all(ArrayReader& reader) {
  std::vector<Element> elements;
  elements.reserve(static_cast<size_t>(reader.element_count()));
  for (int64_t i = 0; i < reader.element_count(); ++i) elements.push_back(reader.next());
  return elements;
}

/// NULLs are equal here.
bool same(Oid type, const Element& a, const Element& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return compare_array_elements(type, *a, *b) == 0;
}

/// Argument `index` of a row as an element; `bytes` keeps it.
Element element_argument(const CallFrame& frame, size_t index, uint32_t row, std::string& bytes) {
  if (frame.arguments[index].is_null(row)) return std::nullopt;
  bytes.clear();
  append_binary(frame.arguments[index], row, bytes);
  return std::string_view(bytes);
}

/// fn(row, reader, out) for rows whose first argument, an array, is not NULL.
template <class Fn>
Status over_arrays(const CallFrame& frame, Vector& result, const Fn& fn) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!arrays.valid(row)) {
      out.set_null(row);
      return Status();
    }
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
    return fn(row, reader, out);
  });
}

Status one_dimension(const ArrayReader& reader, const char* message) {
  if (reader.dimensions().size() > 1) return Status(sqlstate::kFeatureNotSupported, message);
  return Status();
}
constexpr const char* kSearching = "searching for elements in multidimensional arrays is not supported";
constexpr const char* kRemoving = "removing elements from multidimensional arrays is not supported";

/// The subscript of the first equal element, from a subscript on.
Status array_position(const CallFrame& frame, Vector& result) {
  std::string bytes;
  return over_arrays(frame, result, [&](uint32_t row, ArrayReader& reader, Vector& out) -> Status {
    RETURN_IF_ERROR(one_dimension(reader, kSearching));
    const Element sought = element_argument(frame, 1, row, bytes);
    int64_t from = INT64_MIN;
    if (frame.arguments.size() > 2) {
      if (frame.arguments[2].is_null(row))
        return Status(sqlstate::kNullValueNotAllowed, "initial position must not be null");
      from = frame.arguments[2].view<int32_t>()[row];
    }
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const Element element = reader.next();
      const int64_t subscript = reader.dimensions()[0].lower + i;
      if (subscript < from || !same(reader.element_type(), element, sought)) continue;
      out.data<int32_t>()[row] = static_cast<int32_t>(subscript);
      return Status();
    }
    out.set_null(row);
    return Status();
  });
}

Status array_positions(const CallFrame& frame, Vector& result) {
  std::string bytes, subscript_bytes;
  return over_arrays(frame, result, [&](uint32_t row, ArrayReader& reader, Vector& out) -> Status {
    RETURN_IF_ERROR(one_dimension(reader, kSearching));
    const Element sought = element_argument(frame, 1, row, bytes);
    ArrayBuilder found(oid::kInt4);
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      if (!same(reader.element_type(), reader.next(), sought)) continue;
      subscript_bytes.clear();
      append_be(subscript_bytes, static_cast<int32_t>(reader.dimensions()[0].lower + i));
      found.add(subscript_bytes);
    }
    out.set_string(row, found.finish());
    return Status();
  });
}

void add_element(const Element& element, ArrayBuilder& builder) {
  if (element) builder.add(*element);
  else builder.add_null();
}

Status array_remove(const CallFrame& frame, Vector& result) {
  std::string bytes;
  return over_arrays(frame, result, [&](uint32_t row, ArrayReader& reader, Vector& out) -> Status {
    RETURN_IF_ERROR(one_dimension(reader, kRemoving));
    const Element sought = element_argument(frame, 1, row, bytes);
    ArrayBuilder kept(reader.element_type());
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const Element element = reader.next();
      if (!same(reader.element_type(), element, sought)) add_element(element, kept);
    }
    const auto count = static_cast<int32_t>(kept.size());
    out.set_string(row, count == 0 ? kept.finish() : kept.finish({{count, reader.dimensions()[0].lower}}));
    return Status();
  });
}

Status array_replace(const CallFrame& frame, Vector& result) {
  std::string from_bytes, to_bytes;
  return over_arrays(frame, result, [&](uint32_t row, ArrayReader& reader, Vector& out) -> Status {
    const Element from = element_argument(frame, 1, row, from_bytes);
    const Element to = element_argument(frame, 2, row, to_bytes);
    ArrayBuilder replaced(reader.element_type());
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const Element element = reader.next();
      add_element(same(reader.element_type(), element, from) ? to : element, replaced);
    }
    out.set_string(row, replaced.finish(reader.dimensions()));
    return Status();
  });
}

// --- @> <@ &&: NULL elements equal nothing ---

enum class SetRelation { kContains, kContained, kOverlaps };

bool has_element(Oid type, const std::vector<Element>& elements, std::string_view sought) {
  for (const Element& element : elements)
    if (element && compare_array_elements(type, *element, sought) == 0) return true;
  return false;
}

Status relate(const CallFrame& frame, std::string_view a, std::string_view b, SetRelation relation, uint8_t& out) {
  ASSIGN_OR_RETURN(ArrayReader left, ArrayReader::open(a));
  ASSIGN_OR_RETURN(ArrayReader right, ArrayReader::open(b));
  if (left.element_type() != right.element_type())
    return Status(sqlstate::kDatatypeMismatch, "cannot compare arrays of different element types");
  const std::vector<Element> x = read_all(left), y = read_all(right);
  const auto& sought = relation == SetRelation::kContained ? x : y;
  const auto& within = relation == SetRelation::kContained ? y : x;
  const bool all = relation != SetRelation::kOverlaps;
  out = all;
  for (const Element& element : sought) {
    if (frame.context.cancel != nullptr && within.size() > 1000) RETURN_IF_ERROR(frame.context.cancel->check());
    const bool found = element && has_element(left.element_type(), within, *element);
    if (found == all) continue;
    out = !all;
    break;
  }
  return Status();
}

template <SetRelation kRelation>
Kernel relation_kernel() {
  return row_kernel<uint8_t, StringRef, StringRef>(
      [](const CallFrame& frame, const StringRef& a, const StringRef& b, uint8_t& out) {
        return relate(frame, a.view(), b.view(), kRelation, out);
      });
}

/// width_bucket(operand, thresholds): how many thresholds are not above the operand.
Status width_bucket_array(const CallFrame& frame, Vector& result) {
  const auto arrays = frame.arguments[1].view<StringRef>();
  std::string bytes;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (frame.arguments[0].is_null(row) || !arrays.valid(row)) {
      out.set_null(row);
      return Status();
    }
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
    if (reader.dimensions().size() > 1)
      return Status(sqlstate::kArraySubscriptError, "thresholds must be one-dimensional array");
    const Element operand = element_argument(frame, 0, row, bytes);
    const std::vector<Element> thresholds = read_all(reader);
    for (const Element& threshold : thresholds)
      if (!threshold) return Status(sqlstate::kNullValueNotAllowed, "thresholds array must not contain NULLs");
    size_t low = 0, high = thresholds.size();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (compare_array_elements(reader.element_type(), *operand, *thresholds[middle]) < 0) high = middle;
      else low = middle + 1;
    }
    out.data<int32_t>()[row] = static_cast<int32_t>(low);
    return Status();
  });
}

}  // namespace

void register_array_search(FunctionCatalog::Builder& builder) {
  builder.builtins({"array_position(anycompatiblearray,anycompatible)",
                    "array_position(anycompatiblearray,anycompatible,int4)"},
                   array_position);
  builder.builtin("array_positions(anycompatiblearray,anycompatible)", array_positions);
  builder.builtin("array_remove(anycompatiblearray,anycompatible)", array_remove);
  builder.builtin("array_replace(anycompatiblearray,anycompatible,anycompatible)", array_replace);
  builder.builtin("arraycontains(anyarray,anyarray)", relation_kernel<SetRelation::kContains>());
  builder.builtin("arraycontained(anyarray,anyarray)", relation_kernel<SetRelation::kContained>());
  builder.builtin("arrayoverlap(anyarray,anyarray)", relation_kernel<SetRelation::kOverlaps>());
  builder.builtin("width_bucket(anycompatible,anycompatiblearray)", width_bucket_array);
}

}  // namespace eventd::engine
