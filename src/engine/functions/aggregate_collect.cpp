// string_agg and array_agg. Values are kept in the order they come; combine() appends, so the
// executor must combine partials in input order (or not split them) when the order matters.
#include <algorithm>
#include <string>
#include <vector>

#include "bytes.h"
#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/aggregates.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

// --- string_agg(value, delimiter) ---

struct StringAggState {
  std::string text;             ///< delimiter and value of every row
  size_t first_delimiter = 0;   ///< bytes of the first delimiter, which is not printed
  bool any = false;
};

Status too_long() {
  return Status(sqlstate::kProgramLimitExceeded, "string_agg result is too large");
}

Status string_agg_update(std::span<const Vector> arguments, uint32_t rows, auto&& state_of) {
  const auto values = arguments[0].view<StringRef>();
  const auto delimiters = arguments[1].view<StringRef>();
  for (uint32_t i = 0; i < rows; ++i) {
    if (!values.valid(i)) continue;
    StringAggState& state = state_of(i);
    const std::string_view delimiter =
        delimiters.valid(i) ? delimiters[i].view() : std::string_view{};
    if (!state.any) state.first_delimiter = delimiter.size();
    state.any = true;
    state.text += delimiter;
    state.text += values[i].view();
    if (state.text.size() > kMaxTextBytes) return too_long();
  }
  return Status();
}

AggregateFunction string_agg() {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(StringAggState);
  aggregate.init = [](void* state) { new (state) StringAggState(); };
  aggregate.destroy = [](void* state) { static_cast<StringAggState*>(state)->~StringAggState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    return string_agg_update(arguments, rows, [&](uint32_t i) -> StringAggState& {
      return *static_cast<StringAggState*>(states[i]);
    });
  };
  aggregate.update_single = [](const EvalContext&, std::span<const Vector> arguments,
                               uint32_t rows, void* state) {
    return string_agg_update(arguments, rows, [&](uint32_t) -> StringAggState& {
      return *static_cast<StringAggState*>(state);
    });
  };
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    auto& target = *static_cast<StringAggState*>(into);
    auto& source = *static_cast<StringAggState*>(from);
    if (!source.any) return Status();
    if (!target.any) {
      std::swap(target, source);
      return Status();
    }
    target.text += source.text;
    return target.text.size() > kMaxTextBytes ? too_long() : Status();
  };
  aggregate.finalize = [](const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
    const auto& state = *static_cast<StringAggState*>(raw);
    if (!state.any) return finish_null(result, row);
    result.set_string(row, std::string_view(state.text).substr(state.first_delimiter));
    return Status();
  };
  aggregate.memory_bytes = [](const void* state) {
    return static_cast<const StringAggState*>(state)->text.capacity();
  };
  return aggregate;
}

// --- array_agg(any) ---

struct ArrayAggState {
  /// Per element: int32 length (-1 NULL), bytes — what ArrayBuilder is then given.
  std::string elements;
  int64_t count = 0;
  Oid element_type = 0;
};

Status array_agg_update(const Vector& values, uint32_t rows, auto&& state_of) {
  std::string element;
  for (uint32_t i = 0; i < rows; ++i) {
    ArrayAggState& state = state_of(i);
    state.element_type = values.type();
    if (++state.count > kArrayElementsMax)
      return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed");
    if (values.is_null(i)) {
      append_be<int32_t>(state.elements, -1);
      continue;
    }
    element.clear();
    append_binary(values, i, element);
    append_be<int32_t>(state.elements, static_cast<int32_t>(element.size()));
    state.elements += element;
    if (state.elements.size() > kMaxTextBytes)
      return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed");
  }
  return Status();
}

AggregateFunction array_agg() {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(ArrayAggState);
  aggregate.init = [](void* state) { new (state) ArrayAggState(); };
  aggregate.destroy = [](void* state) { static_cast<ArrayAggState*>(state)->~ArrayAggState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) {
    return array_agg_update(arguments[0], rows, [&](uint32_t i) -> ArrayAggState& {
      return *static_cast<ArrayAggState*>(states[i]);
    });
  };
  aggregate.update_single = [](const EvalContext&, std::span<const Vector> arguments,
                               uint32_t rows, void* state) {
    return array_agg_update(arguments[0], rows, [&](uint32_t) -> ArrayAggState& {
      return *static_cast<ArrayAggState*>(state);
    });
  };
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    auto& target = *static_cast<ArrayAggState*>(into);
    const auto& source = *static_cast<ArrayAggState*>(from);
    if (source.count == 0) return Status();
    target.element_type = source.element_type;
    target.count += source.count;
    target.elements += source.elements;
    if (target.elements.size() > kMaxTextBytes)
      return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed");
    return Status();
  };
  aggregate.finalize = [](const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
    const auto& state = *static_cast<ArrayAggState*>(raw);
    if (state.count == 0) return finish_null(result, row);
    ArrayBuilder array(state.element_type);
    const char* at = state.elements.data();
    for (int64_t i = 0; i < state.count; ++i) {
      const auto length = load_be<int32_t>(at);
      at += sizeof(int32_t);
      if (length < 0) {
        array.add_null();
      } else {
        array.add({at, static_cast<size_t>(length)});
        at += length;
      }
    }
    result.set_string(row, array.finish());
    return Status();
  };
  aggregate.memory_bytes = [](const void* state) {
    return static_cast<const ArrayAggState*>(state)->elements.capacity();
  };
  return aggregate;
}

// --- array_agg(anyarray): arrays of one shape become the rows of an array of one more dimension ---

struct ArrayRowsState {
  std::vector<ArrayDimension> shape;  ///< of each
  std::string elements;               ///< as ArrayAggState
  int64_t arrays = 0, count = 0;
  Oid element_type = 0;
};

ArrayRowsState& array_rows(void* state) { return *static_cast<ArrayRowsState*>(state); }

Status cannot_accumulate(const char* what) {
  return Status(sqlstate::kArraySubscriptError, std::string("cannot accumulate ") + what);
}

bool same_sizes(const std::vector<ArrayDimension>& a, const std::vector<ArrayDimension>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ArrayDimension& x, const ArrayDimension& y) {
    return x.size == y.size && x.lower == y.lower;
  });
}

Status add_array(std::string_view bytes, ArrayRowsState& state) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes));
  if (reader.dimensions().empty()) return cannot_accumulate("empty arrays");
  if (state.arrays == 0) {
    if (reader.dimensions().size() >= static_cast<size_t>(kArrayDimensionsMax)) {
      return Status(sqlstate::kProgramLimitExceeded,
                    "number of array dimensions (" + std::to_string(reader.dimensions().size() + 1) +
                        ") exceeds the maximum allowed (" + std::to_string(kArrayDimensionsMax) + ")");
    }
    state.shape = reader.dimensions();
    state.element_type = reader.element_type();
  } else if (!same_sizes(state.shape, reader.dimensions())) {
    return cannot_accumulate("arrays of different dimensionality");
  }
  ++state.arrays;
  state.count += reader.element_count();
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const std::optional<std::string_view> element = reader.next();
    append_be<int32_t>(state.elements, element ? static_cast<int32_t>(element->size()) : -1);
    if (element) state.elements += *element;
  }
  if (state.count > kArrayElementsMax || state.elements.size() > kMaxTextBytes)
    return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed");
  return Status();
}

Status finish_array_rows(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  const ArrayRowsState& state = array_rows(raw);
  if (state.arrays == 0) return finish_null(result, row);
  ArrayBuilder array(state.element_type);
  const char* at = state.elements.data();
  for (int64_t i = 0; i < state.count; ++i) {
    const auto length = load_be<int32_t>(at);
    at += sizeof(int32_t);
    if (length < 0) {
      array.add_null();
    } else {
      array.add({at, static_cast<size_t>(length)});
      at += length;
    }
  }
  std::vector<ArrayDimension> dimensions{{static_cast<int32_t>(state.arrays), 1}};
  dimensions.insert(dimensions.end(), state.shape.begin(), state.shape.end());
  result.set_string(row, array.finish(dimensions));
  return Status();
}

AggregateFunction array_agg_of_arrays() {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(ArrayRowsState);
  aggregate.init = [](void* state) { new (state) ArrayRowsState(); };
  aggregate.destroy = [](void* state) { array_rows(state).~ArrayRowsState(); };
  aggregate.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) -> Status {
    const auto arrays = arguments[0].view<StringRef>();
    for (uint32_t i = 0; i < rows; ++i) {
      if (!arrays.valid(i)) return Status(sqlstate::kNullValueNotAllowed, "cannot accumulate null arrays");
      RETURN_IF_ERROR(add_array(arrays[i].view(), array_rows(states[i])));
    }
    return Status();
  };
  aggregate.combine = [](const EvalContext&, void* into, void* from) {
    ArrayRowsState& target = array_rows(into);
    ArrayRowsState& source = array_rows(from);
    if (source.arrays == 0) return Status();
    if (target.arrays == 0) {
      std::swap(target, source);
      return Status();
    }
    if (!same_sizes(target.shape, source.shape)) return cannot_accumulate("arrays of different dimensionality");
    target.arrays += source.arrays;
    target.count += source.count;
    target.elements += source.elements;
    if (target.count > kArrayElementsMax || target.elements.size() > kMaxTextBytes)
      return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed");
    return Status();
  };
  aggregate.finalize = finish_array_rows;
  aggregate.memory_bytes = [](const void* state) {
    return static_cast<const ArrayRowsState*>(state)->elements.capacity();
  };
  return aggregate;
}

}  // namespace

void register_collecting_aggregates(FunctionCatalog::Builder& builder) {
  builder.builtin_aggregate("string_agg(text,text)", string_agg());
  builder.builtin_aggregate("string_agg(bytea,bytea)", string_agg());
  builder.builtin_aggregate("array_agg(anynonarray)", array_agg());
  builder.builtin_aggregate("array_agg(anyarray)", array_agg_of_arrays());
  register_json_aggregates(builder);
  register_time_aggregates(builder);
  register_counter_aggregates(builder);
}

}  // namespace eventd::engine
