// A JOIN b, and a, b: the right side may depend on the left one.
#include <algorithm>

#include "engine/plan/coercion.h"
#include "engine/plan/from_binder.h"

namespace eventd::engine {
namespace {

// The joins whose right side may name columns of the left one.
bool may_be_lateral(JoinType type) { return type == JoinType::kInner || type == JoinType::kLeft; }

// Whether something in the item looks at what is left of it.
bool looks_left(const AstFromItem& item) {
  switch (item.kind) {
    case AstFromItem::Kind::kSubquery:
      return item.lateral;
    case AstFromItem::Kind::kFunction:
      return true;
    case AstFromItem::Kind::kJoin:
      return looks_left(*item.left) || looks_left(*item.right);
    default:
      return false;
  }
}

bool is_true(const ExprPtr& condition) {
  return condition == nullptr ||
         (condition->kind == Expr::Kind::kConstant && !condition->constant.is_null() &&
          condition->constant.as<bool>());
}

std::vector<Scope::Column> shifted(std::vector<Scope::Column> columns, size_t by) {
  for (Scope::Column& column : columns) column.index += by;
  return columns;
}

// Whether a row of it needs a column to say that it is there; what is a value by itself does not.
bool tells_presence(const Scope::Relation& relation) {
  return !relation.joined && !relation.scalar && !relation.presence;
}

bool depends_on_columns(const FunctionRows& rows) {
  for (const SetCall& call : rows.calls) {
    for (const ExprPtr& argument : call.arguments) {
      if (has_column(*argument)) return true;
    }
  }
  return false;
}

}  // namespace

bool has_column(const Expr& expression) {
  if (expression.kind == Expr::Kind::kColumn) return true;
  for (const ExprPtr& child : expression.children) {
    if (has_column(*child)) return true;
  }
  return false;
}

void move_into_frame(ExprPtr& expression, SubqueryFrame& frame) {
  if (expression->kind == Expr::Kind::kColumn || expression->kind == Expr::Kind::kOuter) {
    expression = frame.argument(std::move(expression));
    return;
  }
  for (ExprPtr& child : expression->children) move_into_frame(child, frame);
}

Result<FromPart> FromBinder::bind_join_item(const AstFromItem& item, SubqueryFrame& frame) {
  const bool left_nullable = item.join == JoinType::kRight || item.join == JoinType::kFull;
  const RecursionPlace place = selects_.recursion_place();
  if (left_nullable) selects_.set_recursion_place(RecursionPlace::kOuterJoin);
  Result<FromPart> left = bind_item(*item.left, frame);
  selects_.set_recursion_place(place);
  if (!left.ok()) return left;
  ASSIGN_OR_RETURN(FromPart part,
                   join(std::move(left).value(), *item.right, {item.join, &item}, frame));
  if (!item.alias.empty()) {
    RETURN_IF_ERROR(part.scope.hide_behind(item.alias, item.column_aliases));
  }
  return part;
}

Result<FromPart> FromBinder::join(FromPart left, const AstFromItem& item, JoinSpec spec,
                                  SubqueryFrame& frame) {
  const bool right_nullable = spec.type == JoinType::kLeft || spec.type == JoinType::kFull;
  const RecursionPlace place = selects_.recursion_place();
  if (right_nullable) selects_.set_recursion_place(RecursionPlace::kOuterJoin);
  to_the_left_.push_back({&left.scope, may_be_lateral(spec.type)});
  Result<RightSide> right = bind_right(left.scope, item, spec, frame);
  to_the_left_.pop_back();
  selects_.set_recursion_place(place);
  if (!right.ok()) return std::move(right).take_status();
  return combine(std::move(left), std::move(right).value(), spec, frame);
}

Result<FromBinder::RightSide> FromBinder::bind_right(const Scope& left, const AstFromItem& item,
                                                     JoinSpec spec, SubqueryFrame& frame) {
  RightSide right;
  if (!may_be_lateral(spec.type) || !looks_left(item)) {
    ASSIGN_OR_RETURN(right.part, bind_item(item, frame));
    return right;
  }
  QueryLevel level(frame);
  level.scope = left;
  level.lateral_active = &lateral_active_;
  if (item.kind == AstFromItem::Kind::kFunction) {
    ASSIGN_OR_RETURN(const bool eql, bind_eql_item(item, right.part));
    if (eql) return right;
    ASSIGN_OR_RETURN(FunctionRows rows, bind_functions(item, level));
    if (!depends_on_columns(rows)) {
      const bool scalar = rows.scalar;
      ASSIGN_OR_RETURN(right.part, function_part(item, function_leaf(std::move(rows)), scalar));
      return right;
    }
    RETURN_IF_ERROR(apply_column_aliases(item, rows.columns));
    right.part.scope.add_relation(function_item_name(item), {}, rows.columns);
    right.part.scope.relations().back().scalar = rows.scalar;
    right.rows = std::move(rows);
    return right;
  }
  SubqueryFrame inside;
  inside.parent = &level;
  inside.lateral = true;
  ASSIGN_OR_RETURN(right.part, bind_item(item, inside));
  right.arguments = std::move(inside.arguments);
  return right;
}

Result<ExprPtr> FromBinder::bind_on(const AstExpr& on, const Scope& scope, SubqueryFrame& frame) {
  QueryLevel level(frame);
  level.scope = scope;
  const bool was_active = lateral_active_;
  lateral_active_ = false;
  ExpressionBinder binder(state_, level, "JOIN/ON");
  Result<ExprPtr> condition = binder.bind(on);
  lateral_active_ = was_active;
  if (!condition.ok()) return explain_invisible(std::move(condition).take_status(), false);
  return coerce_to_boolean(std::move(condition).value(), "JOIN/ON", state_.parameters);
}

// Functions over the left columns as a plan with arguments.
void FromBinder::move_rows_into_leaf(RightSide& right) {
  SubqueryFrame inside;
  for (SetCall& call : right.rows->calls) {
    for (ExprPtr& argument : call.arguments) move_into_frame(argument, inside);
  }
  right.arguments = std::move(inside.arguments);
  right.part.plan = function_leaf(std::move(*right.rows));
  right.rows.reset();
}

bool FromBinder::may_be_read_as_row(const Scope& scope) const {
  const auto& names = select_.names_written;
  if (names == nullptr) return false;
  return std::any_of(scope.relations().begin(), scope.relations().end(),
                     [&](const Scope::Relation& relation) {
                       return tells_presence(relation) && names->contains(relation.name);
                     });
}

// A column more on a side whose rows an outer join may make up, where somebody may ask.
void FromBinder::tell_presence(FromPart& side) const {
  if (!may_be_read_as_row(side.scope)) return;
  constexpr Type kPresence{oid::kBool, -1};
  const size_t index = side.plan->columns.size();
  PlanPtr project = plan_above(PlanNode::Kind::kProject, std::move(side.plan));
  for (size_t i = 0; i < index; ++i) {
    project->expressions.push_back(Expr::column(static_cast<int>(i), project->columns[i].type));
  }
  project->columns.push_back({"", kPresence, 0, 0});
  project->expressions.push_back(Expr::constant_of(Datum::boolean(true), kPresence));
  side.plan = std::move(project);
  side.scope.add_column({"", kPresence, 0, 0});
  for (Scope::Relation& relation : side.scope.relations()) {
    if (tells_presence(relation)) relation.presence = index;
  }
}

Result<FromPart> FromBinder::combine(FromPart left, RightSide right, JoinSpec spec,
                                     SubqueryFrame& frame) {
  const bool left_made_up = spec.type == JoinType::kRight || spec.type == JoinType::kFull;
  const bool right_made_up = spec.type == JoinType::kLeft || spec.type == JoinType::kFull;
  const bool told = right_made_up && may_be_read_as_row(right.part.scope);
  if (right.rows.has_value() && told) move_rows_into_leaf(right);
  if (left_made_up) tell_presence(left);
  if (right_made_up) tell_presence(right.part);
  const size_t left_columns = left.scope.columns().size();
  // Copied only where columns may be merged: a list of many tables has a join for each.
  const bool merges = spec.join != nullptr && (spec.join->natural || !spec.join->using_columns.empty());
  std::vector<Scope::Column> left_names, right_names;
  if (merges) {
    left_names = left.scope.unqualified();
    right_names = shifted(right.part.scope.unqualified(), left_columns);
  }
  FromPart part;
  part.scope = std::move(left.scope);
  RETURN_IF_ERROR(part.scope.append(right.part.scope));

  ExprPtr condition;
  std::vector<MergedColumn> merged;
  if (spec.join != nullptr) {
    ASSIGN_OR_RETURN(merged, merged_columns(*spec.join, left_names, right_names));
    if (!merged.empty()) {
      ASSIGN_OR_RETURN(condition, using_condition(merged, part.scope, frame));
    } else if (spec.join->on != nullptr) {
      ASSIGN_OR_RETURN(condition, bind_on(*spec.join->on, part.scope, frame));
    }
  }
  if (right.rows.has_value() && (spec.type == JoinType::kInner || is_true(condition))) {
    part.plan = functions_above(std::move(left.plan), std::move(*right.rows), spec.type);
    if (!is_true(condition)) {
      part.plan = plan_above(PlanNode::Kind::kFilter, std::move(part.plan));
      part.plan->condition = std::move(condition);
    }
  } else {
    if (right.rows.has_value()) move_rows_into_leaf(right);  // LEFT JOIN f(a.x) ON …
    auto node = std::make_unique<PlanNode>(right.arguments.empty() ? PlanNode::Kind::kJoin
                                                                   : PlanNode::Kind::kApply);
    node->columns = left.plan->columns;
    node->columns.insert(node->columns.end(), right.part.plan->columns.begin(),
                         right.part.plan->columns.end());
    node->join_type = spec.type;
    node->condition = std::move(condition);
    node->expressions = std::move(right.arguments);
    node->children.push_back(std::move(left.plan));
    node->children.push_back(std::move(right.part.plan));
    part.plan = std::move(node);
  }
  if (!merged.empty()) {
    RETURN_IF_ERROR(merge(*spec.join, merged, left_names, right_names, part));
  }
  return part;
}

}  // namespace eventd::engine
