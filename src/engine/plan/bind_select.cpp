#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/column_names.h"
#include "engine/plan/from_binder.h"
#include "engine/plan/recursion_columns.h"
#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

PlanPtr plan_above(PlanNode::Kind kind, PlanPtr child) {
  auto node = std::make_unique<PlanNode>(kind);
  node->columns = child->columns;
  node->children.push_back(std::move(child));
  return node;
}

PlanPtr first_columns(PlanPtr plan, size_t count) {
  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  for (size_t i = 0; i < count; ++i) {
    project->columns.push_back(plan->columns[i]);
    project->expressions.push_back(Expr::column(static_cast<int>(i), plan->columns[i].type));
  }
  project->children.push_back(std::move(plan));
  return project;
}

Result<PlanPtr> SelectBinder::bind(const SelectAst& select, SubqueryFrame& frame,
                                   bool keep_unknown) {
  RETURN_IF_ERROR(check_stack_depth());
  if (!select.unsupported.empty()) {
    return not_supported_yet(select.unsupported, select.unsupported_position);
  }
  if (select.with.empty()) return bind_body(select, frame, keep_unknown);
  return bind_with(select, frame, [&](const SelectAst& body, SubqueryFrame& its_frame) {
    return bind_body(body, its_frame, keep_unknown);
  });
}

Result<PlanPtr> SelectBinder::bind_body(const SelectAst& select, SubqueryFrame& frame,
                                        bool keep_unknown) {
  if (!select.values.empty() && !select.locking.empty()) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      select.locking[0].clause + " cannot be applied to VALUES", 0);
  }
  if (!select.values.empty()) return bind_values(select, frame, keep_unknown);
  if (select.set_operation != SelectAst::SetOperation::kNone) {
    return bind_set_operation(select, frame);
  }
  return bind_select(select, frame, keep_unknown);
}

// Clauses are bound in the order PostgreSQL reads them; the nodes are stacked in the order they
// compute: FROM, WHERE, grouping, HAVING, windows, set-returning functions of the targets, the
// targets, DISTINCT, ORDER BY, LIMIT.
Result<PlanPtr> SelectBinder::bind_select(const SelectAst& select, SubqueryFrame& frame,
                                          bool keep_unknown) {
  Block block(frame);
  block.level.window_clause = select.windows;
  RETURN_IF_ERROR(bind_from(select, block));
  RETURN_IF_ERROR(bind_targets(select, block));
  RETURN_IF_ERROR(bind_where(select, block));
  if (select.having != nullptr) {
    ExpressionBinder binder(state_, block.level, Clause::having());
    ASSIGN_OR_RETURN(ExprPtr condition, binder.bind(*select.having));
    ASSIGN_OR_RETURN(block.having,
                     coerce_to_boolean(std::move(condition), "HAVING", state_.parameters));
  }
  RETURN_IF_ERROR(bind_order_by(select, block));
  RETURN_IF_ERROR(bind_group_by(select, block));
  RETURN_IF_ERROR(bind_distinct_on(select, block));
  RETURN_IF_ERROR(bind_windows(block));
  const bool plain = select.order_by.empty() && select.limit == nullptr &&
                     select.offset == nullptr && !select.distinct;
  if (block.recursive) RETURN_IF_ERROR(check_recursive_term(block));
  if (carries_hidden_ == &select) RETURN_IF_ERROR(add_hidden_targets(block));
  RETURN_IF_ERROR(finish_targets(block, keep_unknown && plain));
  RETURN_IF_ERROR(check_locking(select, block));

  RETURN_IF_ERROR(apply_grouping(block));
  RETURN_IF_ERROR(apply_windows(block));
  RETURN_IF_ERROR(apply_set_calls(select, block));
  const size_t visible = block.columns.size();
  PlanPtr plan = apply_distinct(select, project_targets(block), block);
  return add_order_and_limit(select, std::move(plan), std::move(block.sort_keys), visible,
                             block.level);
}

Status SelectBinder::bind_from(const SelectAst& select, Block& block) {
  FromBinder binder(*this, relations_, state_, select);
  ASSIGN_OR_RETURN(FromPart from, binder.bind(select.from, *block.level.frame));
  block.plan = std::move(from.plan);
  block.level.scope = std::move(from.scope);
  block.recursive = binder.names_working_table();
  return {};
}

Status SelectBinder::bind_where(const SelectAst& select, Block& block) {
  if (select.where == nullptr) return {};
  ExpressionBinder binder(state_, block.level, "WHERE");
  ASSIGN_OR_RETURN(ExprPtr condition, binder.bind(*select.where));
  PlanPtr filter = plan_above(PlanNode::Kind::kFilter, std::move(block.plan));
  ASSIGN_OR_RETURN(filter->condition,
                   coerce_to_boolean(std::move(condition), "WHERE", state_.parameters));
  block.plan = std::move(filter);
  return {};
}

Status SelectBinder::bind_targets(const SelectAst& select, Block& block) {
  const auto add = [&](ExprPtr expression, std::string name) -> Status {
    OutputColumn column{std::move(name), expression->type, 0, 0};
    if (expression->kind == Expr::Kind::kColumn && expression->index < kAggregateColumnBase) {
      const OutputColumn& source = block.level.scope.columns()[static_cast<size_t>(expression->index)];
      column.relation_oid = source.relation_oid;
      column.attribute_number = source.attribute_number;
    }
    block.columns.push_back(std::move(column));
    block.targets.push_back(std::move(expression));
    if (block.targets.size() <= static_cast<size_t>(kTargetListMax)) return {};
    return {sqlstate::kTooManyColumns, "target lists can have at most 1664 entries"};
  };
  ExpressionBinder binder(state_, block.level, Clause::select_list());
  for (const AstTarget& target : select.targets) {
    const AstExpr& ast = *target.expression;
    const bool star = (ast.kind == AstExpr::Kind::kColumnRef || ast.kind == AstExpr::Kind::kField) &&
                      ast.star;
    if (star) {
      ASSIGN_OR_RETURN(auto columns, binder.expand_row(ast));
      for (auto& [name, expression] : columns) {
        RETURN_IF_ERROR(add(std::move(expression), std::move(name)));
      }
    } else {
      ASSIGN_OR_RETURN(ExprPtr expression, binder.bind(ast));
      RETURN_IF_ERROR(add(std::move(expression),
                          target.name.empty() ? column_name_of(ast, &state_.subquery_names)
                                              : target.name));
    }
  }
  return {};
}

Status SelectBinder::check_recursive_term(const Block& block) const {
  if (block.level.aggregates.empty()) return {};
  int position = 0;
  const auto look = [&](const ExprPtr& expression) {
    if (expression == nullptr || position != 0) return;
    for_each_column(*expression, [&](Expr& column) {
      if (column.index >= kAggregateColumnBase && position == 0) position = column.position;
    });
  };
  for (const ExprPtr& target : block.targets) look(target);
  look(block.having);
  return bind_error(sqlstate::kInvalidRecursion,
                    "aggregate functions are not allowed in a recursive query's recursive term",
                    position);
}

// The working table's columns that `*` leaves out (SEARCH, CYCLE) go on to the next round.
Status SelectBinder::add_hidden_targets(Block& block) {
  if (block.targets.size() > block.columns.size()) {
    return not_supported_yet("ORDER BY in the recursive term of SEARCH or CYCLE", 0);
  }
  const std::vector<OutputColumn>& columns = block.level.scope.columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].attribute_number != kHiddenColumn) continue;
    block.columns.push_back(columns[i]);
    block.targets.push_back(Expr::column(static_cast<int>(i), columns[i].type));
  }
  return {};
}

// Literals of the select list become text, unless the caller knows better.
Status SelectBinder::finish_targets(Block& block, bool keep_unknown) {
  for (size_t i = 0; i < block.targets.size(); ++i) {
    if (!keep_unknown) {
      ASSIGN_OR_RETURN(block.targets[i],
                       resolve_unknown(std::move(block.targets[i]), state_.parameters));
    }
    if (i < block.columns.size()) block.columns[i].type = block.targets[i]->type;
  }
  return {};
}

PlanPtr SelectBinder::project_targets(Block& block) {
  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  project->columns = block.columns;
  for (size_t i = block.columns.size(); i < block.targets.size(); ++i) {
    project->columns.push_back({"", block.targets[i]->type, 0, 0});
  }
  project->expressions = std::move(block.targets);
  project->children.push_back(std::move(block.plan));
  return project;
}

}  // namespace eventd::engine
