#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/column_names.h"
#include "engine/plan/select_binder.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

PlanPtr plan_above(PlanNode::Kind kind, PlanPtr child) {
  auto node = std::make_unique<PlanNode>(kind);
  node->columns = child->columns;
  node->children.push_back(std::move(child));
  return node;
}

Result<PlanPtr> SelectBinder::bind(const SelectAst& select, SubqueryFrame& frame,
                                   bool keep_unknown) {
  RETURN_IF_ERROR(check_stack_depth());
  if (!select.unsupported.empty()) {
    return not_supported_yet(select.unsupported, select.unsupported_position);
  }
  if (!select.values.empty()) return bind_values(select, frame, keep_unknown);
  if (select.set_operation != SelectAst::SetOperation::kNone) {
    return bind_set_operation(select, frame);
  }
  return bind_select(select, frame, keep_unknown);
}

Result<PlanPtr> SelectBinder::bind_select(const SelectAst& select, SubqueryFrame& frame,
                                          bool keep_unknown) {
  Block block(frame);
  RETURN_IF_ERROR(bind_from(select, block));
  if (select.where != nullptr) {
    ExpressionBinder binder(state_, block.level, "WHERE");
    ASSIGN_OR_RETURN(ExprPtr condition, binder.bind(*select.where));
    PlanPtr filter = plan_above(PlanNode::Kind::kFilter, std::move(block.plan));
    ASSIGN_OR_RETURN(filter->condition,
                     coerce_to_boolean(std::move(condition), "WHERE", state_.parameters));
    block.plan = std::move(filter);
  }
  RETURN_IF_ERROR(bind_targets(select, block));
  if (select.having != nullptr) {
    ExpressionBinder binder(state_, block.level, Clause::having());
    ASSIGN_OR_RETURN(ExprPtr condition, binder.bind(*select.having));
    ASSIGN_OR_RETURN(block.having,
                     coerce_to_boolean(std::move(condition), "HAVING", state_.parameters));
  }
  RETURN_IF_ERROR(bind_order_by(select, block));
  RETURN_IF_ERROR(bind_group_by(select, block));
  const bool plain = select.order_by.empty() && select.limit == nullptr &&
                     select.offset == nullptr && !select.distinct;
  RETURN_IF_ERROR(finish_targets(block, keep_unknown && plain));
  RETURN_IF_ERROR(apply_grouping(block));

  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  const size_t visible = block.columns.size();
  project->columns = std::move(block.columns);
  for (size_t i = visible; i < block.targets.size(); ++i) {
    project->columns.push_back({"", block.targets[i]->type, 0, 0});
  }
  project->expressions = std::move(block.targets);
  project->children.push_back(std::move(block.plan));
  PlanPtr plan = std::move(project);
  if (select.distinct) plan = plan_above(PlanNode::Kind::kDistinct, std::move(plan));
  return add_order_and_limit(select, std::move(plan), std::move(block.sort_keys), visible, frame);
}

Status SelectBinder::bind_targets(const SelectAst& select, Block& block) {
  const auto add = [&](ExprPtr expression, std::string name) {
    OutputColumn column{std::move(name), expression->type, 0, 0};
    if (expression->kind == Expr::Kind::kColumn && expression->index < kAggregateColumnBase) {
      const OutputColumn& source = block.level.scope.columns()[static_cast<size_t>(expression->index)];
      column.relation_oid = source.relation_oid;
      column.attribute_number = source.attribute_number;
    }
    block.columns.push_back(std::move(column));
    block.targets.push_back(std::move(expression));
  };
  ExpressionBinder binder(state_, block.level, Clause::select_list());
  for (const AstTarget& target : select.targets) {
    const AstExpr& ast = *target.expression;
    if (ast.kind == AstExpr::Kind::kColumnRef && ast.star) {
      ASSIGN_OR_RETURN(const std::vector<size_t> columns, block.level.scope.expand_star(ast));
      for (const size_t i : columns) {
        const OutputColumn& column = block.level.scope.columns()[i];
        ExprPtr expression = Expr::column(static_cast<int>(i), column.type);
        expression->position = ast.position;
        add(std::move(expression), column.name);
      }
    } else {
      ASSIGN_OR_RETURN(ExprPtr expression, binder.bind(ast));
      add(std::move(expression), target.name.empty() ? column_name_of(ast) : target.name);
    }
    if (block.targets.size() > static_cast<size_t>(kTargetListMax)) {
      return {sqlstate::kTooManyColumns, "target lists can have at most 1664 entries"};
    }
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
  for (size_t c = 0; c < select.values[0].size(); ++c) {
    std::vector<ExprPtr> column;
    column.reserve(plan->rows.size());
    for (auto& row : plan->rows) column.push_back(std::move(row[c]));
    Type type{oid::kUnknown, -1};
    if (!keep_unknown) {
      ASSIGN_OR_RETURN(type.id, common_type(column, "VALUES"));
      RETURN_IF_ERROR(coerce_all(column, type.id, "VALUES", state_.parameters));
    }
    for (size_t r = 0; r < plan->rows.size(); ++r) plan->rows[r][c] = std::move(column[r]);
    plan->columns.push_back({"column" + std::to_string(c + 1), type, 0, 0});
  }
  if (keep_unknown) return plan;
  ASSIGN_OR_RETURN(std::vector<SortKey> keys, order_by_output(select, *plan));
  const size_t visible = plan->columns.size();
  return add_order_and_limit(select, std::move(plan), std::move(keys), visible, frame);
}

Result<PlanPtr> SelectBinder::bind_set_operation(const SelectAst& select,
                                                 SubqueryFrame& frame) {
  if (select.set_operation != SelectAst::SetOperation::kUnion || !select.set_all) {
    return not_supported_yet("this set operation", 0);
  }
  auto append = std::make_unique<PlanNode>(PlanNode::Kind::kAppend);
  for (const SelectAstPtr& arm : select.arms) {
    // VALUES arms have their own common types.
    ASSIGN_OR_RETURN(PlanPtr plan, bind(*arm, frame, arm->values.empty()));
    if (!append->children.empty() &&
        plan->columns.size() != append->children[0]->columns.size()) {
      return bind_error(sqlstate::kSyntaxError,
                        "each UNION query must have the same number of columns", 0);
    }
    append->children.push_back(std::move(plan));
  }
  append->columns = append->children[0]->columns;
  std::vector<Type> types;
  for (size_t c = 0; c < append->columns.size(); ++c) {
    Type type{oid::kUnknown, -1};
    // PostgreSQL resolves pair by pair from the left.
    for (const PlanPtr& child : append->children) {
      const Oid pair[] = {type.id, child->columns[c].type.id};
      const Oid common = pair[0] == oid::kUnknown ? pair[1] : common_type_of(pair);
      if (common == oid::kInvalid) {
        return bind_error(sqlstate::kDatatypeMismatch,
                          "UNION types " + format_type({pair[0], -1}) + " and " +
                              format_type({pair[1], -1}) + " cannot be matched",
                          0);
      }
      type.id = common;
    }
    if (type.id == oid::kUnknown) type.id = oid::kText;
    bool same_modifier = true;
    for (const PlanPtr& child : append->children) {
      same_modifier &= child->columns[c].type == append->children[0]->columns[c].type;
    }
    if (same_modifier) type.modifier = append->children[0]->columns[c].type.modifier;
    types.push_back(type);
    append->columns[c].type = type;
    append->columns[c].relation_oid = 0;
    append->columns[c].attribute_number = 0;
  }
  for (PlanPtr& child : append->children) {
    ASSIGN_OR_RETURN(child, coerce_columns(std::move(child), types, CastContext::kImplicit,
                                           state_));
  }
  ASSIGN_OR_RETURN(std::vector<SortKey> keys, order_by_output(select, *append));
  const size_t visible = append->columns.size();
  return add_order_and_limit(select, std::move(append), std::move(keys), visible, frame);
}

Result<PlanPtr> coerce_columns(PlanPtr plan, std::span<const Type> types, CastContext context,
                               BindState& state) {
  bool equal = true;
  for (size_t i = 0; i < types.size(); ++i) equal &= plan->columns[i].type == types[i];
  if (equal && plan->kind != PlanNode::Kind::kValues) return plan;
  if (plan->kind == PlanNode::Kind::kValues) {
    for (auto& row : plan->rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        ASSIGN_OR_RETURN(row[i], coerce(std::move(row[i]), types[i], context, state.parameters));
      }
    }
  } else {
    if (plan->kind != PlanNode::Kind::kProject) {
      auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
      for (size_t i = 0; i < types.size(); ++i) {
        project->expressions.push_back(
            Expr::column(static_cast<int>(i), plan->columns[i].type));
      }
      project->columns = plan->columns;
      project->children.push_back(std::move(plan));
      plan = std::move(project);
    }
    for (size_t i = 0; i < types.size(); ++i) {
      ASSIGN_OR_RETURN(plan->expressions[i], coerce(std::move(plan->expressions[i]), types[i],
                                                    context, state.parameters));
    }
  }
  for (size_t i = 0; i < types.size(); ++i) {
    plan->columns[i].type = types[i];
    plan->columns[i].relation_oid = 0;
    plan->columns[i].attribute_number = 0;
  }
  return plan;
}

}  // namespace eventd::engine
