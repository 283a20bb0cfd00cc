// UNION, INTERSECT, EXCEPT [ALL].
#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

using Operation = SelectAst::SetOperation;

std::string name_of(Operation operation) {
  if (operation == Operation::kIntersect) return "INTERSECT";
  return operation == Operation::kExcept ? "EXCEPT" : "UNION";
}

// Where column `c` of a query is written.
int column_position(const SelectAst& arm, size_t c) {
  const SelectAst* select = &arm;
  while (!select->arms.empty()) select = select->arms[0].get();
  if (!select->values.empty() && c < select->values[0].size()) {
    return leftmost_position(*select->values[0][c]);
  }
  if (c < select->targets.size()) return leftmost_position(*select->targets[c].expression);
  return select->position;
}

// The type of one column over all arms, resolved pair by pair from the left: two literals are text
// at once, whatever comes later.
Result<Type> column_type(const SelectAst& select, const std::vector<PlanPtr>& arms, size_t c) {
  Type type = arms[0]->columns[c].type;
  bool same = true;
  for (size_t i = 1; i < arms.size(); ++i) {
    const Type next = arms[i]->columns[c].type;
    same = same && next == type;
    const Oid pair[] = {type.id, next.id};
    const Oid common = common_type_of(pair);
    if (common == oid::kInvalid) {
      return bind_error(sqlstate::kDatatypeMismatch,
                        name_of(select.set_operation) + " types " + format_type({type.id, -1}) +
                            " and " + format_type({next.id, -1}) + " cannot be matched",
                        column_position(*select.arms[i], c));
    }
    type = {common, same ? type.modifier : -1};
  }
  if (type.id == oid::kUnknown) type = {oid::kText, -1};
  return type;
}

PlanPtr pairwise(Operation operation, bool all, std::vector<PlanPtr> arms,
                 const std::vector<OutputColumn>& columns) {
  PlanPtr left = std::move(arms[0]);
  for (size_t i = 1; i < arms.size(); ++i) {
    auto node = std::make_unique<PlanNode>(PlanNode::Kind::kSetOperation);
    node->set_operation =
        operation == Operation::kIntersect ? SetOperation::kIntersect : SetOperation::kExcept;
    node->set_all = all;
    node->columns = columns;
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(arms[i]));
    left = std::move(node);
  }
  return left;
}

}  // namespace

Result<PlanPtr> SelectBinder::bind_arm(const SelectAst& select, size_t arm, SubqueryFrame& frame) {
  const RecursionPlace place = recursion_place_;
  if (select.set_operation == Operation::kIntersect && select.set_all) {
    recursion_place_ = RecursionPlace::kIntersect;
  } else if (select.set_operation == Operation::kExcept && (select.set_all || arm > 0)) {
    recursion_place_ = RecursionPlace::kExcept;
  }
  const SelectAst& query = *select.arms[arm];
  // VALUES arms have types of their own.
  Result<PlanPtr> plan = bind(query, frame, query.values.empty());
  recursion_place_ = place;
  return plan;
}

Result<PlanPtr> SelectBinder::bind_set_operation(const SelectAst& select, SubqueryFrame& frame) {
  RETURN_IF_ERROR(check_locked_arms(select));
  std::vector<PlanPtr> arms;
  arms.reserve(select.arms.size());
  for (size_t i = 0; i < select.arms.size(); ++i) {
    ASSIGN_OR_RETURN(PlanPtr arm, bind_arm(select, i, frame));
    arms.push_back(std::move(arm));
  }
  ASSIGN_OR_RETURN(PlanPtr plan, combine_arms(select, std::move(arms)));
  return finish_set_operation(select, std::move(plan), frame);
}

// The arms may be fewer than the query has: the first ones.
Result<PlanPtr> SelectBinder::combine_arms(const SelectAst& select, std::vector<PlanPtr> arms) {
  const std::string name = name_of(select.set_operation);
  for (size_t i = 1; i < arms.size(); ++i) {
    if (arms[i]->columns.size() == arms[0]->columns.size()) continue;
    return bind_error(sqlstate::kSyntaxError,
                      "each " + name + " query must have the same number of columns",
                      column_position(*select.arms[i], 0));
  }
  // UNION's arms stand side by side in one node; the others' are nested.
  if (select.set_operation != Operation::kUnion &&
      arms.size() > static_cast<size_t>(kExpressionDepthMax)) {
    return Status(sqlstate::kStatementTooComplex, "too many " + name + " branches");
  }
  std::vector<OutputColumn> columns = arms[0]->columns;
  std::vector<Type> types;
  for (size_t c = 0; c < columns.size(); ++c) {
    ASSIGN_OR_RETURN(const Type type, column_type(select, arms, c));
    types.push_back(type);
    columns[c] = {std::move(columns[c].name), type, 0, 0};
  }
  for (PlanPtr& arm : arms) {
    ASSIGN_OR_RETURN(arm, coerce_columns(std::move(arm), types, CastContext::kImplicit, state_));
  }
  if (select.set_operation != Operation::kUnion) {
    return pairwise(select.set_operation, select.set_all, std::move(arms), columns);
  }
  auto append = std::make_unique<PlanNode>(PlanNode::Kind::kAppend);
  append->columns = std::move(columns);
  append->children = std::move(arms);
  if (select.set_all) return append;
  return plan_above(PlanNode::Kind::kDistinct, std::move(append));
}

Result<PlanPtr> SelectBinder::finish_set_operation(const SelectAst& select, PlanPtr plan,
                                                   SubqueryFrame& frame) {
  ASSIGN_OR_RETURN(std::vector<SortKey> keys, order_by_output(select, *plan));
  const size_t visible = plan->columns.size();
  QueryLevel no_columns(frame);
  return add_order_and_limit(select, std::move(plan), std::move(keys), visible, no_columns);
}

// Literals of the target list are read as the new type where they stand.
Result<PlanPtr> coerce_columns(PlanPtr plan, std::span<const Type> types, CastContext context,
                               BindState& state) {
  const auto set_types = [&](PlanNode& node) {
    for (size_t i = 0; i < types.size(); ++i) {
      node.columns[i] = {std::move(node.columns[i].name), types[i], 0, 0};
    }
  };
  bool equal = true;
  for (size_t i = 0; i < types.size(); ++i) equal = equal && plan->columns[i].type == types[i];
  if (equal && plan->kind != PlanNode::Kind::kValues) return plan;
  if (plan->kind == PlanNode::Kind::kWith) {  // WITH around the query: its own targets count
    PlanPtr& body = plan->children.back();
    ASSIGN_OR_RETURN(body, coerce_columns(std::move(body), types, context, state));
    set_types(*plan);
    return plan;
  }
  if (plan->kind == PlanNode::Kind::kValues) {
    for (auto& row : plan->rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        ASSIGN_OR_RETURN(row[i], coerce(std::move(row[i]), types[i], context, state.parameters));
      }
    }
  } else {
    if (plan->kind != PlanNode::Kind::kProject) {
      const size_t count = plan->columns.size();
      plan = first_columns(std::move(plan), count);
    }
    for (size_t i = 0; i < types.size(); ++i) {
      ASSIGN_OR_RETURN(plan->expressions[i], coerce(std::move(plan->expressions[i]), types[i],
                                                    context, state.parameters));
    }
  }
  set_types(*plan);
  return plan;
}

}  // namespace eventd::engine
