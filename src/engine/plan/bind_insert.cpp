#include <algorithm>
#include <set>

#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/eql_binder.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

// The columns an INSERT names, as they are in the target.
Result<std::vector<OutputColumn>> target_columns(const InsertStatement& insert,
                                                 const Relation& target) {
  std::vector<OutputColumn> result;
  const auto add = [&](size_t index) {
    const RelationColumn& column = target.columns()[index];
    result.push_back({column.name, column.type, target.relation_oid(),
                      static_cast<int16_t>(index + 1)});
  };
  if (insert.columns.empty()) {
    for (size_t i = 0; i < target.columns().size(); ++i) add(i);
    return result;
  }
  std::set<std::string> seen;
  for (size_t i = 0; i < insert.columns.size(); ++i) {
    const std::string& name = insert.columns[i];
    const int position = i < insert.column_positions.size() ? insert.column_positions[i] : 0;
    const int index = target.find_column(name);
    if (index < 0) {
      return bind_error(sqlstate::kUndefinedColumn,
                        "column \"" + name + "\" of relation \"" + std::string(target.name()) +
                            "\" does not exist",
                        position);
    }
    if (!seen.insert(name).second) {
      return bind_error(sqlstate::kDuplicateColumn,
                        "column \"" + name + "\" specified more than once", position);
    }
    add(static_cast<size_t>(index));
  }
  return result;
}

Status check_assignable(const OutputColumn& column, const Expr& value) {
  if (can_coerce(value.type.id, column.type.id, CastContext::kAssignment)) return {};
  Error error = bind_error(sqlstate::kDatatypeMismatch,
                           "column \"" + column.name + "\" is of type " +
                               format_type(column.type) + " but expression is of type " +
                               format_type({value.type.id, -1}),
                           value.position);
  error.hint = "You will need to rewrite or cast the expression.";
  return error;
}

// jsonb columns also take msgpack as bytea: whoever stores the row validates it.
bool gives_msgpack(const PlanNode& plan, size_t column) {
  const auto is_bytea = [](const ExprPtr& value) { return value->type.id == oid::kBytea; };
  if (plan.kind == PlanNode::Kind::kValues) {
    return std::all_of(plan.rows.begin(), plan.rows.end(),
                       [&](const auto& row) { return is_bytea(row[column]); });
  }
  if (plan.kind == PlanNode::Kind::kProject) return is_bytea(plan.expressions[column]);
  return plan.columns[column].type.id == oid::kBytea;
}

}  // namespace

Result<PlanPtr> SelectBinder::bind_for_insert(const SelectAst& select,
                                              std::span<const OutputColumn> targets,
                                              int position) {
  const bool plain_values = !select.values.empty() && select.order_by.empty() &&
                            select.limit == nullptr && select.offset == nullptr;
  SubqueryFrame statement;
  ASSIGN_OR_RETURN(PlanPtr plan, bind(select, statement, select.values.empty() || plain_values));
  if (plan->columns.size() > targets.size()) {
    const size_t extra = targets.size();
    if (!select.values.empty()) position = leftmost_position(*select.values[0][extra]);
    return bind_error(sqlstate::kSyntaxError,
                      "INSERT has more expressions than target columns", position);
  }
  std::vector<Type> types;
  for (size_t i = 0; i < plan->columns.size(); ++i) {
    if (targets[i].type.id == oid::kJsonb && gives_msgpack(*plan, i)) {
      types.push_back({oid::kBytea, -1});
      continue;
    }
    types.push_back(targets[i].type);
    if (plan->kind == PlanNode::Kind::kValues) {
      for (const auto& row : plan->rows) RETURN_IF_ERROR(check_assignable(targets[i], *row[i]));
    } else if (plan->kind == PlanNode::Kind::kProject) {
      RETURN_IF_ERROR(check_assignable(targets[i], *plan->expressions[i]));
    } else {
      const ExprPtr value = Expr::column(static_cast<int>(i), plan->columns[i].type);
      RETURN_IF_ERROR(check_assignable(targets[i], *value));
    }
  }
  return coerce_columns(std::move(plan), types, CastContext::kAssignment, state_);
}

Result<BoundQuery> bind_insert(const InsertStatement& insert, const Relation& target,
                               const RelationResolver& relations, std::span<const Oid> declared) {
  ASSIGN_OR_RETURN(const std::vector<OutputColumn> targets, target_columns(insert, target));
  if (insert.source.select == nullptr) {
    return not_supported_yet("INSERT from this source", insert.position);
  }
  BindState state(declared, relations.cancel());
  SelectBinder binder(relations, state);
  BoundQuery result;
  ASSIGN_OR_RETURN(result.plan,
                   binder.bind_for_insert(*insert.source.select, targets, insert.position));
  const size_t given = result.plan->columns.size();
  if (!insert.columns.empty() && given < targets.size()) {
    return bind_error(sqlstate::kSyntaxError, "INSERT has more target columns than expressions",
                      given < insert.column_positions.size() ? insert.column_positions[given] : 0);
  }
  result.columns.assign(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(given));
  for (size_t i = 0; i < given; ++i) result.columns[i].type = result.plan->columns[i].type;
  result.plan->columns = result.columns;
  ASSIGN_OR_RETURN(result.parameter_types, state.parameters.finish());
  return result;
}

}  // namespace eventd::engine
