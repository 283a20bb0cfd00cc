// ROW(…), fields of records, ARRAY[…].
#include <memory>

#include "engine/exec/array_elements.h"
#include "engine/exec/expr_node.h"
#include "engine/functions/value_binary.h"
#include "engine/types/record_format.h"

namespace eventd::engine {

namespace {

/// The names of a row's fields, unless they are what fields without names are called.
std::string own_names(const Expr& row) {
  const auto named_by_place = [&](size_t i) { return row.path[i] == "f" + std::to_string(i + 1); };
  for (size_t i = 0; i < row.path.size(); ++i) {
    if (!named_by_place(i)) return record_names(row.path);
  }
  return {};
}

/// Evaluates all children; true when every one of them is a Constant.
Result<bool> evaluate_children(const ExprNode& node, const EvalInput& input,
                               std::vector<Vector>& items) {
  items.resize(node.children.size());
  bool constant = true;
  for (size_t i = 0; i < items.size(); ++i) {
    RETURN_IF_ERROR(evaluate_node(node.children[i], input, items[i]));
    constant = constant && items[i].form() == Vector::Form::kConstant;
  }
  return constant;
}

/// ARRAY[a, b] of arrays: one dimension more. NULL and empty arrays are left out when all are, else
/// sizes must match (ExecEvalArrayExpr()).
Status stack_arrays(const std::vector<Vector>& items, uint32_t row, Oid element_type,
                    std::string& out) {
  ArrayBuilder builder(element_type);
  std::vector<ArrayDimension> dimensions;
  int32_t stacked = 0;
  bool any_empty = false;
  for (const Vector& item : items) {
    if (item.is_null(row)) {
      any_empty = true;
      continue;
    }
    ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(item.view<StringRef>()[row].view()));
    if (reader.dimensions().empty()) {
      any_empty = true;
      continue;
    }
    if (stacked == 0) {
      dimensions = reader.dimensions();
      if (dimensions.size() >= static_cast<size_t>(kArrayDimensionsMax)) {
        return {sqlstate::kProgramLimitExceeded,
                "number of array dimensions (" + std::to_string(dimensions.size() + 1) +
                    ") exceeds the maximum allowed (" + std::to_string(kArrayDimensionsMax) + ")"};
      }
    } else if (dimensions != reader.dimensions()) {
      return {sqlstate::kArraySubscriptError,
              "multidimensional arrays must have array expressions with matching dimensions"};
    }
    ++stacked;
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const auto element = reader.next();
      if (element.has_value()) {
        builder.add(*element);
      } else {
        builder.add_null();
      }
    }
  }
  if (any_empty && stacked > 0) {
    return {sqlstate::kArraySubscriptError,
            "multidimensional arrays must have array expressions with matching dimensions"};
  }
  if (stacked == 0) {
    out = builder.finish();
    return {};
  }
  dimensions.insert(dimensions.begin(), ArrayDimension{stacked, 1});
  out = builder.finish(dimensions);
  return {};
}

}  // namespace

Status evaluate_array(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto items = std::make_unique<std::vector<Vector>>();
  ASSIGN_OR_RETURN(const bool constant, evaluate_children(node, input, *items));
  const Oid array_type = node.expr->type.id;
  const Oid element_type = type_info(array_type).element;
  const bool of_arrays = !items->empty() && type_info((*items)[0].type()).category == 'A' &&
                         type_info(element_type).category != 'A';
  const uint32_t rows = constant ? 1 : input.batch.size;
  Vector result = Vector::flat(array_type, rows);
  std::string bytes;
  for (uint32_t i = 0; i < rows; ++i) {
    if (of_arrays) {
      RETURN_IF_ERROR(stack_arrays(*items, i, element_type, bytes));
      result.set_string(i, bytes);
      continue;
    }
    ArrayBuilder builder(element_type);
    for (const Vector& item : *items) append_element(item, i, builder);
    result.set_string(i, builder.finish());
  }
  out = constant ? Vector::repeat(result, 0, input.batch.size) : std::move(result);
  return {};
}

Status evaluate_row(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto items = std::make_unique<std::vector<Vector>>();
  ASSIGN_OR_RETURN(const bool constant, evaluate_children(node, input, *items));
  const uint32_t rows = constant ? 1 : input.batch.size;
  Vector result = Vector::flat(oid::kRecord, rows);
  const std::string names = own_names(*node.expr);
  std::string bytes;
  for (uint32_t i = 0; i < rows; ++i) {
    RecordBuilder builder;
    for (const Vector& item : *items) {
      if (item.is_null(i)) {
        builder.add_null(item.type());
        continue;
      }
      bytes.clear();
      append_binary(item, i, bytes);
      if (record_depth(item.type(), bytes) >= kRecordDepthMax) {
        return {sqlstate::kStatementTooComplex, "rows are nested too deeply"};
      }
      builder.add(item.type(), bytes);
    }
    result.set_string(i, builder.finish(names));
  }
  out = constant ? Vector::repeat(result, 0, input.batch.size) : std::move(result);
  return {};
}

Status evaluate_field(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto operand = std::make_unique<Vector>();
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, *operand));
  const bool constant = operand->form() == Vector::Form::kConstant;
  const uint32_t rows = constant ? 1 : input.batch.size;
  const Type type{node.expr->type.id, -1};
  Vector result = Vector::flat(type.id, rows);
  const VectorView<StringRef> records = operand->view<StringRef>();
  for (uint32_t i = 0; i < rows; ++i) {
    std::optional<std::string_view> bytes;
    if (records.valid(i)) {
      ASSIGN_OR_RETURN(RecordReader reader, RecordReader::open(records[i].view()));
      RecordField field;
      for (int f = 0; f <= node.expr->index && f < reader.field_count(); ++f) field = reader.next();
      if (node.expr->index < reader.field_count()) bytes = field.bytes;
    }
    if (!bytes.has_value()) {
      result.set_null(i);
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value, datum_from_binary(type, *bytes));
    result.set_datum(i, value);
  }
  out = constant ? Vector::repeat(result, 0, input.batch.size) : std::move(result);
  return {};
}

}  // namespace eventd::engine
