#include "engine/exec/compiled_expression.h"

#include <algorithm>
#include <numeric>

#include "engine/exec/array_elements.h"
#include "engine/exec/expr_node.h"
#include "engine/exec/subquery_runner.h"
#include "engine/exec/vector_scatter.h"
#include "engine/functions/row_guard.h"
#include "engine/plan/stack_guard.h"
#include "engine/vector/heap_meter.h"

namespace eventd::engine {

namespace {

void collect_columns(const Expr& expr, std::vector<int>& columns) {
  if (expr.kind == Expr::Kind::kColumn) columns.push_back(expr.index);
  for (const ExprPtr& child : expr.children) collect_columns(*child, columns);
}

/// Operands of these are evaluated over part of the rows.
bool is_lazy(Expr::Kind kind) {
  return kind == Expr::Kind::kAnd || kind == Expr::Kind::kOr || kind == Expr::Kind::kCase ||
         kind == Expr::Kind::kCoalesce || kind == Expr::Kind::kInList;
}

/// Whether `function` is the `=` that ValueSet implements for `type`.
bool is_plain_equality(const ScalarFunction* function, Oid type) {
  if (function == nullptr) return false;
  const Operator* equality = FunctionCatalog::instance().find_operator("=", type, type);
  return equality != nullptr && equality->function == function;
}

/// The non-null values among `values`, Flat.
Vector without_nulls(const Vector& values, bool& has_null) {
  std::vector<uint32_t> rows, to;
  for (uint32_t i = 0; i < values.size(); ++i) {
    if (values.is_null(i)) {
      has_null = true;
    } else {
      to.push_back(static_cast<uint32_t>(rows.size()));
      rows.push_back(i);
    }
  }
  const uint32_t count = static_cast<uint32_t>(rows.size());
  Vector result = Vector::flat(values.type(), count);
  scatter(values, rows.data(), to.data(), count, result);
  return result;
}

/// A hash set for `x IN (constants)` and `x = ANY (constant array)` where the equality allows it.
Status prepare_set(const Expr& expr, ExprNode& node) {
  const Oid type = expr.children[0]->type.id;
  if (!is_plain_equality(expr.function, type)) return {};
  Vector values;
  if (expr.kind == Expr::Kind::kInList) {
    const uint32_t count = static_cast<uint32_t>(expr.children.size() - 1);
    values = Vector::flat(type, count);
    for (uint32_t i = 0; i < count; ++i) {
      const Expr& item = *expr.children[i + 1];
      if (item.kind != Expr::Kind::kConstant || item.type.id != type) return {};
      values.set_datum(i, item.constant);
    }
  } else if (expr.kind == Expr::Kind::kAnyArray) {
    const Expr& array = *expr.children[1];
    if (array.kind != Expr::Kind::kConstant || array.constant.is_null()) return {};
    if (type_info(array.type.id).element != type) return {};
    Result<Vector> elements = array_elements(array.constant.bytes(), type);
    if (!elements.ok()) return {};  // evaluation reports it if a row gets there
    values = std::move(elements).value();
    if (values.size() == 0) return {};  // false even for NULL: the general way knows
  } else {
    return {};
  }
  values = without_nulls(values, node.set_has_null);
  node.set = std::make_unique<ValueSet>(std::move(values));
  return {};
}

Status prepare_call(const Expr& expr, ExprNode& node) {
  if (node.function == nullptr || node.function->prepare == nullptr) return {};
  if (expr.kind != Expr::Kind::kCall) return {};
  std::vector<const Datum*> constants;
  for (const ExprPtr& child : expr.children) {
    constants.push_back(child->kind == Expr::Kind::kConstant ? &child->constant : nullptr);
  }
  ASSIGN_OR_RETURN(node.state, node.function->prepare(*node.function, constants));
  return {};
}

Status compile_node(const Expr& expr, ExprNode& node, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  node.expr = &expr;
  node.function = expr.function;
  if (expr.kind == Expr::Kind::kParameter) {
    return {sqlstate::kUndefinedParameter, "there is no parameter $" + std::to_string(expr.index + 1)};
  }
  if (expr.kind == Expr::Kind::kCall && (expr.function == nullptr || expr.function->kernel == nullptr)) {
    return {sqlstate::kInternalError, "call of a function without an implementation"};
  }
  if (expr.kind == Expr::Kind::kConstant) {
    Datum value = expr.constant;
    value.set_type(expr.type.id);
    node.constant = Vector::constant(value, 1);
    return {};
  }
  node.children.resize(expr.children.size());
  for (size_t i = 0; i < expr.children.size(); ++i) {
    RETURN_IF_ERROR(compile_node(*expr.children[i], node.children[i], context));
    if (is_lazy(expr.kind)) {
      std::vector<int>& columns = node.children[i].columns;
      collect_columns(*expr.children[i], columns);
      std::sort(columns.begin(), columns.end());
      columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    }
  }
  if (expr.kind == Expr::Kind::kSubquery) {
    if (context.subqueries == nullptr) {
      return {sqlstate::kFeatureNotSupported, "subqueries are not supported here"};
    }
    ASSIGN_OR_RETURN(node.subquery, context.subqueries->compile(expr));
  }
  if (expr.kind == Expr::Kind::kInList || expr.kind == Expr::Kind::kAnyArray) {
    RETURN_IF_ERROR(prepare_set(expr, node));
  }
  return prepare_call(expr, node);
}

/// Keeps of `rows` those where `condition` (one value a row) is true; returns how many.
uint32_t keep_true(const Vector& condition, uint32_t* rows, uint32_t count) {
  const VectorView<uint8_t> values = condition.view<uint8_t>();
  if (condition.form() == Vector::Form::kConstant) {
    return values.valid(0) && values[0] != 0 ? count : 0;
  }
  uint32_t kept = 0;
  if (values.all_valid()) {
    for (uint32_t i = 0; i < count; ++i) {
      rows[kept] = rows[i];
      kept += values[i] != 0 ? 1 : 0;
    }
    return kept;
  }
  for (uint32_t i = 0; i < count; ++i) {
    rows[kept] = rows[i];
    kept += values.valid(i) && values[i] != 0 ? 1 : 0;
  }
  return kept;
}

}  // namespace

CompiledExpression::CompiledExpression(const Expr& expr)
    : expr_(expr), root_(std::make_unique<ExprNode>()) {}
CompiledExpression::~CompiledExpression() = default;

Result<std::shared_ptr<const CompiledExpression>> CompiledExpression::compile(
    const Expr& expr, const EvalContext& context) {
  std::shared_ptr<CompiledExpression> compiled(new CompiledExpression(expr));
  RETURN_IF_ERROR(compile_node(expr, *compiled->root_, context));
  return std::shared_ptr<const CompiledExpression>(std::move(compiled));
}

Result<Vector> CompiledExpression::evaluate_whole(const Batch& input, const EvalContext& context) const {
  Vector result;
  RETURN_IF_ERROR(evaluate_node(*root_, EvalInput{input, context}, result));
  return result;
}

Result<Vector> CompiledExpression::evaluate(const Batch& input, const EvalContext& context) const {
  const HeapMeter meter;
  Result<Vector> result = evaluate_whole(input, context);
  if (result.ok() || input.size == 1 || !is_values_too_large(result.error())) return result;
  return evaluate_in_parts(input, context);
}

Result<Vector> CompiledExpression::evaluate_in_parts(const Batch& input, const EvalContext& context) const {
  const uint32_t half = input.size / 2;
  ASSIGN_OR_RETURN(const Vector low, evaluate(slice(input, 0, half), context));
  ASSIGN_OR_RETURN(const Vector high, evaluate(slice(input, half, input.size - half), context));
  if (low.memory_bytes() + high.memory_bytes() > context.value_bytes_limit) return values_too_large(context);
  Vector result = Vector::flat(low.type(), input.size);
  std::vector<uint32_t> rows(input.size);
  std::iota(rows.begin(), rows.end(), 0U);
  scatter(low, rows.data(), half, result);
  scatter(high, rows.data() + half, input.size - half, result);
  return result;
}

Result<uint32_t> CompiledExpression::filter_whole(const Batch& input, const EvalContext& context,
                                                  uint32_t* rows) const {
  std::iota(rows, rows + input.size, 0U);
  const EvalInput source{input, context};
  Vector condition;
  if (expr_.kind != Expr::Kind::kAnd) {
    RETURN_IF_ERROR(evaluate_node(*root_, source, condition));
    return keep_true(condition, rows, input.size);
  }
  uint32_t count = input.size;
  for (const ExprNode& term : root_->children) {
    if (count == 0) break;
    RETURN_IF_ERROR(evaluate_rows(term, source, rows, count, condition));
    count = keep_true(condition, rows, count);
  }
  return count;
}

Result<uint32_t> CompiledExpression::filter(const Batch& input, const EvalContext& context,
                                            uint32_t* rows) const {
  const HeapMeter meter;
  Result<uint32_t> kept = filter_whole(input, context, rows);
  if (kept.ok() || input.size == 1 || !is_values_too_large(kept.error())) return kept;
  const uint32_t half = input.size / 2;
  ASSIGN_OR_RETURN(const uint32_t low, filter(slice(input, 0, half), context, rows));
  ASSIGN_OR_RETURN(const uint32_t high,
                   filter(slice(input, half, input.size - half), context, rows + low));
  for (uint32_t i = 0; i < high; ++i) rows[low + i] += half;
  return low + high;
}

Batch slice(const Batch& batch, uint32_t first, uint32_t count) {
  Batch result;
  result.size = count;
  for (const Vector& column : batch.columns) {
    result.columns.push_back(column.size() == 0 ? column : column.slice(first, count));
  }
  return result;
}

Result<Datum> evaluate_constant(const Expr& expr, const EvalContext& context) {
  ASSIGN_OR_RETURN(const auto compiled, CompiledExpression::compile(expr, context));
  Batch one_row;
  one_row.size = 1;
  ASSIGN_OR_RETURN(const Vector value, compiled->evaluate(one_row, context));
  return value.datum(0);
}

}  // namespace eventd::engine
