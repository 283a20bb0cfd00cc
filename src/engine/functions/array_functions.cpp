// Functions of arrays: subscripts, lengths, array_to_string, unnest, generate_subscripts.
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

Status array_dims(const CallFrame& frame, Vector& result) {
  return each_array(frame, result, [](uint32_t row, ArrayReader& reader, Vector& out) {
    if (reader.dimensions().empty()) {
      out.set_null(row);
      return Status();
    }
    std::string text;
    for (const ArrayDimension& d : reader.dimensions())
      text += "[" + std::to_string(d.lower) + ":" + std::to_string(d.lower + d.size - 1) + "]";
    out.set_string(row, text);
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

Oid element_of(Oid array) {
  const TypeInfo* info = find_type(array);
  return info != nullptr ? info->element : oid::kInvalid;
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

/// The subscripts of one dimension, or none.
class SubscriptsCursor : public TableFunctionCursor {
 public:
  SubscriptsCursor(ArrayDimension dimension, bool reverse) : dimension_(dimension), reverse_(reverse) {}
  Result<bool> next(Batch& batch) override {
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(dimension_.size - done_, kBatchRows));
    if (rows == 0) return false;
    Vector column = Vector::flat(oid::kInt4, rows);
    for (uint32_t i = 0; i < rows; ++i, ++done_)
      column.data<int32_t>()[i] = reverse_ ? dimension_.lower + dimension_.size - 1 - done_ : dimension_.lower + done_;
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  const ArrayDimension dimension_;
  const bool reverse_;
  int32_t done_ = 0;
};

CursorResult open_subscripts(const EvalContext&, std::span<const Datum> arguments) {
  ArrayDimension wanted{0, 1};
  bool any_null = false;
  for (const Datum& argument : arguments) any_null = any_null || argument.is_null();
  if (!any_null) {
    ASSIGN_OR_RETURN(const ArrayReader reader, ArrayReader::open(arguments[0].bytes()));
    const int32_t dimension = arguments[1].as<int32_t>();
    if (dimension >= 1 && static_cast<size_t>(dimension) <= reader.dimensions().size())
      wanted = reader.dimensions()[static_cast<size_t>(dimension) - 1];
  }
  const bool reverse = !any_null && arguments.size() > 2 && arguments[2].as<bool>();
  return CursorResult(std::unique_ptr<TableFunctionCursor>(std::make_unique<SubscriptsCursor>(wanted, reverse)));
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
  builder.builtin("array_dims(anyarray)", array_dims);
  for (const char* signature : {"generate_subscripts(anyarray,int4)", "generate_subscripts(anyarray,int4,bool)"}) {
    TableFunction subscripts;
    subscripts.columns = {{"generate_subscripts", oid::kInt4}};
    subscripts.open = open_subscripts;
    builder.builtin_table_function(signature, std::move(subscripts));
  }
  TableFunction unnest;
  unnest.columns = {{"unnest", oid::kAnyElement}};  // the element type of the argument
  unnest.open = open_unnest;
  builder.builtin_table_function("unnest(anyarray)", std::move(unnest));
}

}  // namespace eventd::engine
