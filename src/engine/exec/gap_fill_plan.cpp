#include "engine/exec/gap_fill_plan.h"

namespace eventd::engine {

namespace {

Result<std::shared_ptr<const CompiledExpression>> compile_if(const ExprPtr& expression,
                                                             const EvalContext& context) {
  if (expression == nullptr) return std::shared_ptr<const CompiledExpression>();
  return CompiledExpression::compile(*expression, context);
}

bool is_column(const ExprPtr& expression) { return expression->kind == Expr::Kind::kColumn; }

}  // namespace

Result<std::shared_ptr<const GapFillPlan>> GapFillPlan::compile(const PlanNode& node,
                                                                const EvalContext& context) {
  auto plan = std::make_shared<GapFillPlan>();
  plan->fill = &node.gap_fill;
  for (const OutputColumn& column : node.children[0]->columns) {
    plan->types.push_back(column.type.id);
  }
  plan->child_columns = plan->types.size();
  plan->is_key.resize(plan->child_columns);
  for (const ExprPtr& key : node.group_by) {
    if (!is_column(key)) return Status(sqlstate::kInternalError, "key of a GapFill is no column");
    plan->keys.push_back(key->index);
    plan->is_key[static_cast<size_t>(key->index)] = true;
  }
  if (!is_column(node.gap_fill.bucket)) {
    return Status(sqlstate::kInternalError, "bucket of a GapFill is no column");
  }
  plan->bucket = static_cast<size_t>(node.gap_fill.bucket->index);
  for (const GapCall& call : node.gap_fill.calls) {
    Call compiled;
    compiled.call = &call;
    ASSIGN_OR_RETURN(compiled.value, CompiledExpression::compile(*call.value, context));
    ASSIGN_OR_RETURN(compiled.before, compile_if(call.before, context));
    ASSIGN_OR_RETURN(compiled.after, compile_if(call.after, context));
    plan->types.push_back(call.type.id);
    plan->calls.push_back(std::move(compiled));
  }
  return std::shared_ptr<const GapFillPlan>(std::move(plan));
}

Status GapFillPlan::compute(Batch& batch, const EvalContext& context) const {
  std::vector<Vector> values;
  for (const Call& call : calls) {
    ASSIGN_OR_RETURN(Vector column, call.value->evaluate(batch, context));
    values.push_back(std::move(column));
  }
  for (Vector& column : values) batch.columns.push_back(std::move(column));
  return {};
}

}  // namespace eventd::engine
