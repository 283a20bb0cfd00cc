// Functions of arrays: subscripts, lengths, joining, searching, unnest.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"
#include "engine/functions/value_binary.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

/// fn(row, reader, out) for rows whose arguments are all valid.
template <class Fn>
Status each_array(const CallFrame& frame, Vector& result, const Fn& fn) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    for (const Vector& argument : frame.arguments) {
      if (argument.is_null(row)) {
        out.set_null(row);
        return Status();
      }
    }
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
    return fn(row, reader, out);
  });
}

Status store_element(const CallFrame& frame, std::optional<std::string_view> element, uint32_t row,
                     Vector& out) {
  if (!element.has_value()) {
    out.set_null(row);
    return Status();
  }
  ASSIGN_OR_RETURN(const Datum value,
                   datum_from_binary(Type{frame.result_type.id, -1}, *element));
  out.set_datum(row, value);
  return Status();
}

/// array[i] of a one-dimensional array; NULL outside it.
Status array_subscript(const CallFrame& frame, Vector& result) {
  const auto indices = frame.arguments[1].view<int32_t>();
  return each_array(frame, result, [&](uint32_t row, ArrayReader& reader, Vector& out) -> Status {
    const auto& dimensions = reader.dimensions();
    if (dimensions.size() != 1) {
      out.set_null(row);
      return Status();
    }
    const int64_t index = int64_t{indices[row]} - dimensions[0].lower;
    if (index < 0 || index >= dimensions[0].size) {
      out.set_null(row);
      return Status();
    }
    for (int64_t i = 0; i < index; ++i) reader.next();
    return store_element(frame, reader.next(), row, out);
  });
}

enum class Bound { kLength, kLower, kUpper };

template <Bound kBound>
Status array_bound(const CallFrame& frame, Vector& result) {
  const auto wanted = frame.arguments[1].view<int32_t>();
  return each_array(frame, result, [&](uint32_t row, ArrayReader& reader, Vector& out) {
    const auto& dimensions = reader.dimensions();
    const int32_t dimension = wanted[row];
    if (dimension < 1 || static_cast<size_t>(dimension) > dimensions.size()) {
      out.set_null(row);
      return Status();
    }
    const ArrayDimension& d = dimensions[static_cast<size_t>(dimension - 1)];
    out.data<int32_t>()[row] = kBound == Bound::kLength  ? d.size
                               : kBound == Bound::kLower ? d.lower
                                                         : d.lower + d.size - 1;
    return Status();
  });
}

Status cardinality(const CallFrame& frame, Vector& result) {
  return each_array(frame, result, [](uint32_t row, ArrayReader& reader, Vector& out) {
    out.data<int32_t>()[row] = static_cast<int32_t>(reader.element_count());
    return Status();
  });
}

Status array_ndims(const CallFrame& frame, Vector& result) {
  return each_array(frame, result, [](uint32_t row, ArrayReader& reader, Vector& out) {
    if (reader.dimensions().empty()) {
      out.set_null(row);
    } else {
      out.data<int32_t>()[row] = static_cast<int32_t>(reader.dimensions().size());
    }
    return Status();
  });
}

/// array_to_string(array, separator [, null_string]); NULL elements are left out without the third.
Status array_to_string(const CallFrame& frame, Vector& result) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  const auto separators = frame.arguments[1].view<StringRef>();
  const bool has_null_text = frame.arguments.size() > 2;
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!arrays.valid(row) || !separators.valid(row)) {
      out.set_null(row);
      return Status();
    }
    const bool print_nulls = has_null_text && !frame.arguments[2].is_null(row);
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
    buffer.clear();
    bool first = true;
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const auto element = reader.next();
      if (!element.has_value() && !print_nulls) continue;
      if (!first) buffer += separators[row].view();
      first = false;
      if (!element.has_value()) {
        buffer += frame.arguments[2].view<StringRef>()[row].view();
        continue;
      }
      ASSIGN_OR_RETURN(const Datum value,
                       datum_from_binary(Type{reader.element_type(), -1}, *element));
      buffer += datum_to_text(frame.context.format, value);
    }
    out.set_string(row, buffer);
    return Status();
  });
}

// --- joining: NULL arrays count as empty ---

Status append_elements(std::string_view array, ArrayBuilder& builder) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(array));
  if (reader.dimensions().size() > 1)
    return Status(sqlstate::kFeatureNotSupported, "joining multidimensional arrays");
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    if (const auto element = reader.next()) {
      builder.add(*element);
    } else {
      builder.add_null();
    }
  }
  return Status();
}

Oid element_of(Oid array) {
  const TypeInfo* info = find_type(array);
  return info != nullptr ? info->element : oid::kInvalid;
}

/// Which argument is an array: both (cat), the first (append), the second (prepend).
template <bool kFirstArray, bool kSecondArray>
Status array_join(const CallFrame& frame, Vector& result) {
  std::string element;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    const bool null_a = frame.arguments[0].is_null(row), null_b = frame.arguments[1].is_null(row);
    if (kFirstArray && kSecondArray && null_a && null_b) {
      out.set_null(row);
      return Status();
    }
    ArrayBuilder builder(element_of(frame.result_type.id));
    const auto add = [&](const Vector& argument, bool is_array, bool is_null) -> Status {
      if (is_array) {
        if (is_null) return Status();
        return append_elements(argument.view<StringRef>()[row].view(), builder);
      }
      if (is_null) {
        builder.add_null();
        return Status();
      }
      element.clear();
      append_binary(argument, row, element);
      builder.add(element);
      return Status();
    };
    RETURN_IF_ERROR(add(frame.arguments[0], kFirstArray, null_a));
    RETURN_IF_ERROR(add(frame.arguments[1], kSecondArray, null_b));
    out.set_string(row, builder.finish());
    return Status();
  });
}

/// array_position(array, value): the subscript of the first equal element; NULLs are equal here.
Status array_position(const CallFrame& frame, Vector& result) {
  const auto arrays = frame.arguments[0].view<StringRef>();
  const Vector& sought = frame.arguments[1];
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!arrays.valid(row)) {
      out.set_null(row);
      return Status();
    }
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(arrays[row].view()));
    if (reader.dimensions().size() > 1)
      return Status(sqlstate::kFeatureNotSupported,
                    "searching for elements in multidimensional arrays is not supported");
    const Type type{reader.element_type(), -1};
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const auto element = reader.next();
      Datum value = Datum::null(type.id);
      if (element.has_value()) {
        ASSIGN_OR_RETURN(value, datum_from_binary(type, *element));
      }
      if (!values_equal(Vector::constant(value, 1), 0, sought, row)) continue;
      out.data<int32_t>()[row] = static_cast<int32_t>(reader.dimensions()[0].lower + i);
      return Status();
    }
    out.set_null(row);
    return Status();
  });
}

// --- set-returning ---

class ElementsCursor : public TableFunctionCursor {
 public:
  ElementsCursor(std::string bytes, Oid type) : bytes_(std::move(bytes)), type_(type) {}
  Status open() {
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes_));
    reader_.emplace(std::move(reader));
    return Status();
  }
  Result<bool> next(Batch& batch) override {
    const int64_t left = reader_->element_count() - read_;
    if (left <= 0) return false;
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(left, kBatchRows));
    Vector column = Vector::flat(type_, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      const auto element = reader_->next();
      if (!element.has_value()) {
        column.set_null(i);
        continue;
      }
      ASSIGN_OR_RETURN(const Datum value, datum_from_binary(Type{type_, -1}, *element));
      column.set_datum(i, value);
    }
    read_ += rows;
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  const std::string bytes_;
  const Oid type_;
  std::optional<ArrayReader> reader_;
  int64_t read_ = 0;
};

class NoRows : public TableFunctionCursor {
 public:
  Result<bool> next(Batch&) override { return false; }
};

using CursorResult = Result<std::unique_ptr<TableFunctionCursor>>;

CursorResult open_unnest(const EvalContext&, std::span<const Datum> arguments) {
  if (arguments[0].is_null())
    return CursorResult(std::unique_ptr<TableFunctionCursor>(std::make_unique<NoRows>()));
  auto cursor = std::make_unique<ElementsCursor>(std::string(arguments[0].bytes()),
                                                 element_of(arguments[0].type()));
  RETURN_IF_ERROR(cursor->open());
  return CursorResult(std::unique_ptr<TableFunctionCursor>(std::move(cursor)));
}

}  // namespace

void register_array(Builder& builder) {
  ScalarFunction subscript;
  subscript.name = "array_subscript";  // what array[i] binds to
  subscript.arguments = {oid::kAnyArray, oid::kInt4};
  subscript.result = oid::kAnyElement;
  subscript.kernel = array_subscript;
  subscript.resolve_result = [](std::span<const Type> arguments) {
    return Type{arguments.empty() ? oid::kInvalid : element_of(arguments[0].id), -1};
  };
  builder.add_function(std::move(subscript));
  builder.builtin("array_length(anyarray,int4)", array_bound<Bound::kLength>);
  builder.builtin("array_lower(anyarray,int4)", array_bound<Bound::kLower>);
  builder.builtin("array_upper(anyarray,int4)", array_bound<Bound::kUpper>);
  builder.builtin("cardinality(anyarray)", cardinality);
  builder.builtin("array_ndims(anyarray)", array_ndims);
  builder.builtins({"array_to_string(anyarray,text)", "array_to_string(anyarray,text,text)"},
                   array_to_string);
  builder.builtin("array_cat(anycompatiblearray,anycompatiblearray)", array_join<true, true>);
  builder.builtin("array_append(anycompatiblearray,anycompatible)", array_join<true, false>);
  builder.builtin("array_prepend(anycompatible,anycompatiblearray)", array_join<false, true>);
  builder.builtin("array_position(anycompatiblearray,anycompatible)", array_position);
  TableFunction unnest;
  unnest.columns = {{"unnest", oid::kAnyElement}};  // the element type of the argument
  unnest.open = open_unnest;
  builder.builtin_table_function("unnest(anyarray)", std::move(unnest));
}

}  // namespace eventd::engine
