// VALUES.
#include "engine/plan/coercion.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {

Result<PlanPtr> SelectBinder::bind_values(const SelectAst& select, SubqueryFrame& frame,
                                          bool keep_unknown) {
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
  QueryLevel no_columns(frame);
  ExpressionBinder binder(state_, no_columns, "VALUES");
  for (const auto& row : select.values) {
    if (row.size() != select.values[0].size()) {
      return bind_error(sqlstate::kSyntaxError, "VALUES lists must all be the same length",
                        row.empty() ? 0 : row[0]->position);
    }
    plan->rows.emplace_back();
    for (const AstExprPtr& cell : row) {
      ASSIGN_OR_RETURN(ExprPtr value, binder.bind(*cell));
      plan->rows.back().push_back(std::move(value));
    }
  }
  const bool ordered = !select.order_by.empty() || select.limit != nullptr || select.offset != nullptr;
  for (size_t c = 0; c < select.values[0].size(); ++c) {
    std::vector<ExprPtr> column;
    column.reserve(plan->rows.size());
    for (auto& row : plan->rows) column.push_back(std::move(row[c]));
    Type type{oid::kUnknown, -1};
    if (!keep_unknown || ordered) {
      ASSIGN_OR_RETURN(type.id, common_type(column, "VALUES"));
      const Type first = column[0]->type;
      bool same = first.id == type.id;
      for (const ExprPtr& cell : column) same = same && cell->type == first;
      if (same) type.modifier = first.modifier;
      RETURN_IF_ERROR(coerce_all(column, type.id, "VALUES", state_.parameters));
    }
    for (size_t r = 0; r < plan->rows.size(); ++r) plan->rows[r][c] = std::move(column[r]);
    plan->columns.push_back({"column" + std::to_string(c + 1), type, 0, 0});
  }
  if (!ordered) return plan;
  return order_values(select, std::move(plan), frame);
}

// VALUES … ORDER BY: as SELECT * FROM (VALUES …) "*VALUES*".
Result<PlanPtr> SelectBinder::order_values(const SelectAst& select, PlanPtr values,
                                           SubqueryFrame& frame) {
  Block block(frame);
  block.level.scope.add_relation("*VALUES*", {}, values->columns);
  block.columns = values->columns;
  for (size_t i = 0; i < block.columns.size(); ++i) {
    block.targets.push_back(Expr::column(static_cast<int>(i), block.columns[i].type));
  }
  block.plan = std::move(values);
  RETURN_IF_ERROR(bind_order_by(select, block));
  const size_t visible = block.columns.size();
  return add_order_and_limit(select, project_targets(block), std::move(block.sort_keys), visible,
                             block.level);
}

}  // namespace eventd::engine
