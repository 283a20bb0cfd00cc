// JOIN … USING (…) and NATURAL JOIN: equal columns become one.
#include <algorithm>

#include "engine/plan/coercion.h"
#include "engine/plan/from_binder.h"

namespace eventd::engine {
namespace {

Result<size_t> only_column_of(const std::vector<Scope::Column>& columns, const std::string& name,
                              const char* side) {
  const Scope::Column* found = nullptr;
  for (const Scope::Column& column : columns) {
    if (column.name != name) continue;
    if (found != nullptr) {
      return Status(sqlstate::kAmbiguousColumn, "common column name \"" + name +
                                                    "\" appears more than once in " + side +
                                                    " table");
    }
    found = &column;
  }
  if (found == nullptr) {
    return Status(sqlstate::kUndefinedColumn, "column \"" + name +
                                                  "\" specified in USING clause does not exist in " +
                                                  side + " table");
  }
  return found->index;
}

ExprPtr column_of(const Scope& scope, size_t index) {
  return Expr::column(static_cast<int>(index), scope.columns()[index].type);
}

bool has_name(const std::vector<Scope::Column>& columns, const std::string& name) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Scope::Column& column) { return column.name == name; });
}

}  // namespace

Result<std::vector<FromBinder::MergedColumn>> FromBinder::merged_columns(
    const AstFromItem& join, const std::vector<Scope::Column>& left,
    const std::vector<Scope::Column>& right) const {
  std::vector<std::string> names = join.using_columns;
  if (join.natural) {
    for (const Scope::Column& column : left) {
      if (has_name(right, column.name)) names.push_back(column.name);
    }
  }
  std::vector<MergedColumn> merged;
  for (const std::string& name : names) {
    for (const MergedColumn& other : merged) {
      if (other.name != name || join.natural) continue;
      return Status(sqlstate::kDuplicateColumn,
                    "column name \"" + name + "\" appears more than once in USING clause");
    }
    MergedColumn column{name, 0, 0};
    ASSIGN_OR_RETURN(column.left, only_column_of(left, name, "left"));
    ASSIGN_OR_RETURN(column.right, only_column_of(right, name, "right"));
    merged.push_back(std::move(column));
  }
  return merged;
}

Result<ExprPtr> FromBinder::using_condition(const std::vector<MergedColumn>& merged,
                                            const Scope& scope, SubqueryFrame& frame) {
  QueryLevel level(frame);
  level.scope = scope;
  ExpressionBinder binder(state_, level, "JOIN/USING");
  std::vector<ExprPtr> equalities;
  for (const MergedColumn& column : merged) {
    const ExprPtr pair[] = {column_of(scope, column.left), column_of(scope, column.right)};
    if (Result<Oid> type = common_type(pair, "JOIN/USING"); !type.ok()) return std::move(type.error());
    ASSIGN_OR_RETURN(ExprPtr equal, binder.bind_operator("=", column_of(scope, column.left),
                                                         column_of(scope, column.right), 0));
    equalities.push_back(std::move(equal));
  }
  if (equalities.size() == 1) return std::move(equalities[0]);
  auto all = std::make_unique<Expr>();
  all->kind = Expr::Kind::kAnd;
  all->type = {oid::kBool, -1};
  all->children = std::move(equalities);
  return all;
}

// The left or the right column where one of them always has the value; both for FULL.
Result<ExprPtr> FromBinder::merged_value(const MergedColumn& column, JoinType type,
                                         const Scope& scope) {
  std::vector<ExprPtr> pair;
  pair.push_back(column_of(scope, column.left));
  pair.push_back(column_of(scope, column.right));
  const Type left = pair[0]->type, right = pair[1]->type;
  Type common{0, -1};
  ASSIGN_OR_RETURN(common.id, common_type(pair, "JOIN/USING"));
  if (left == right) common.modifier = left.modifier;
  for (ExprPtr& side : pair) {
    if (side->type == common) continue;
    if (side->type.id == common.id) {  // only the modifiers differ
      auto relabel = std::make_unique<Expr>();
      relabel->kind = Expr::Kind::kRelabel;
      relabel->type = common;
      relabel->children.push_back(std::move(side));
      side = std::move(relabel);
      continue;
    }
    ASSIGN_OR_RETURN(side, coerce(std::move(side), common, CastContext::kImplicit,
                                  state_.parameters));
  }
  switch (type) {
    case JoinType::kRight:
      return std::move(pair[1]);
    case JoinType::kFull: {
      auto coalesce = std::make_unique<Expr>();
      coalesce->kind = Expr::Kind::kCoalesce;
      coalesce->type = common;
      coalesce->children = std::move(pair);
      return coalesce;
    }
    case JoinType::kInner:
      if (pair[0]->kind != Expr::Kind::kColumn && pair[1]->kind == Expr::Kind::kColumn) {
        return std::move(pair[1]);
      }
      return std::move(pair[0]);
    default:
      return std::move(pair[0]);
  }
}

// `*` and bare names after the join: merged columns, then the others of the left and of the right.
// Values that are no column yet are computed above the join, after its own columns.
Status FromBinder::merge(const AstFromItem& join, const std::vector<MergedColumn>& merged,
                         const std::vector<Scope::Column>& left,
                         const std::vector<Scope::Column>& right, FromPart& part) {
  std::vector<Scope::Column> names;
  std::vector<ExprPtr> computed;
  const size_t join_columns = part.plan->columns.size();
  for (const MergedColumn& column : merged) {
    ASSIGN_OR_RETURN(ExprPtr value, merged_value(column, join.join, part.scope));
    if (value->kind == Expr::Kind::kColumn) {
      names.push_back({column.name, static_cast<size_t>(value->index)});
      continue;
    }
    names.push_back({column.name, join_columns + computed.size()});
    part.scope.add_column({column.name, value->type, 0, 0});
    computed.push_back(std::move(value));
  }
  if (!join.using_alias.empty()) RETURN_IF_ERROR(part.scope.add_alias(join.using_alias, names));
  const auto add_others = [&](const std::vector<Scope::Column>& side) {
    for (const Scope::Column& column : side) {
      const bool is_merged =
          std::any_of(merged.begin(), merged.end(),
                      [&](const MergedColumn& other) { return other.name == column.name; });
      if (!is_merged) names.push_back(column);
    }
  };
  add_others(left);
  add_others(right);
  part.scope.set_unqualified(std::move(names));
  if (computed.empty()) return {};
  auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
  project->columns = part.scope.columns();
  for (size_t i = 0; i < join_columns; ++i) {
    project->expressions.push_back(Expr::column(static_cast<int>(i), part.plan->columns[i].type));
  }
  for (ExprPtr& value : computed) project->expressions.push_back(std::move(value));
  project->children.push_back(std::move(part.plan));
  part.plan = std::move(project);
  return {};
}

}  // namespace eventd::engine
