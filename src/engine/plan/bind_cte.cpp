// One WITH query, and what naming it means.
#include "engine/plan/coercion.h"
#include "engine/plan/select_binder.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

using State = BoundCte::State;

Error recursion_error(std::string message, int position) {
  return bind_error(sqlstate::kInvalidRecursion, std::move(message), position);
}

Status apply_names(const AstCte& ast, std::vector<OutputColumn>& columns) {
  if (ast.columns.size() > columns.size()) {
    return bind_error(sqlstate::kInvalidColumnReference,
                      "WITH query \"" + ast.name + "\" has " + std::to_string(columns.size()) +
                          " columns available but " + std::to_string(ast.columns.size()) +
                          " columns specified",
                      ast.position);
  }
  for (size_t i = 0; i < ast.columns.size(); ++i) columns[i].name = ast.columns[i];
  return {};
}

PlanPtr reference(PlanNode::Kind kind, const BoundCte& cte, const AstFromItem& item) {
  auto plan = std::make_unique<PlanNode>(kind);
  plan->cte_id = cte.id;
  plan->columns = cte.columns;
  plan->alias = item.alias.empty() ? item.name : item.alias;
  return plan;
}

}  // namespace

Status SelectBinder::bind_cte(CteScope& scope, BoundCte& cte) {
  RETURN_IF_ERROR(check_stack_depth());
  CteScope* const around = ctes_;
  const RecursionPlace place = recursion_place_;
  ctes_ = &scope;
  recursion_place_ = RecursionPlace::kGood;
  scope.binding.push_back(&cte);
  cte.state = State::kBinding;
  Result<PlanPtr> plan = bind_cte_query(scope, cte);
  scope.binding.pop_back();
  recursion_place_ = place;
  ctes_ = around;
  if (!plan.ok()) return std::move(plan).take_status();
  cte.plan = std::move(plan).value();
  cte.columns = cte.plan->columns;
  RETURN_IF_ERROR(apply_names(*cte.ast, cte.columns));
  cte.state = State::kBound;
  scope.bound_order.push_back(static_cast<size_t>(&cte - scope.entries.data()));
  return {};
}

Result<PlanPtr> SelectBinder::bind_cte_query(CteScope& scope, BoundCte& cte) {
  const AstCte& ast = *cte.ast;
  const SelectAst& query = *ast.query;
  const bool union_form = scope.recursive && query.unsupported.empty() &&
                          query.set_operation == SelectAst::SetOperation::kUnion;
  PlanPtr plan;
  if (!union_form) {
    ASSIGN_OR_RETURN(plan, bind(query, *scope.frame));
  } else if (query.with.empty()) {
    ASSIGN_OR_RETURN(plan, bind_union_cte(cte, query, *scope.frame));
  } else {
    ASSIGN_OR_RETURN(plan, bind_with(query, *scope.frame,
                                     [&](const SelectAst& body, SubqueryFrame& frame) {
                                       return bind_union_cte(cte, body, frame);
                                     }));
  }
  if ((ast.search != nullptr || ast.cycle != nullptr) && cte.self_references == 0) {
    return bind_error(sqlstate::kSyntaxError, "WITH query is not recursive", ast.position);
  }
  return plan;
}

// a UNION [ALL] b of WITH RECURSIVE: recursive if b names the query itself.
Result<PlanPtr> SelectBinder::bind_union_cte(BoundCte& cte, const SelectAst& query,
                                             SubqueryFrame& frame) {
  cte.state = State::kNonRecursiveTerm;
  std::vector<PlanPtr> arms;
  const size_t last = query.arms.size() - 1;
  for (size_t i = 0; i < last; ++i) {
    ASSIGN_OR_RETURN(PlanPtr arm, bind_arm(query, i, frame));
    arms.push_back(std::move(arm));
  }
  cte.columns = arms[0]->columns;
  for (size_t c = 0; c < cte.columns.size(); ++c) {
    OutputColumn& column = cte.columns[c];
    std::vector<Oid> types;
    for (const PlanPtr& arm : arms) {
      if (c < arm->columns.size()) types.push_back(arm->columns[c].type.id);
    }
    const Oid common = common_type_of(types);  // arms that don't match are refused below
    if (common != column.type.id) column.type = {common, -1};
    column.relation_oid = 0;
    column.attribute_number = 0;
  }
  RETURN_IF_ERROR(apply_names(*cte.ast, cte.columns));
  RETURN_IF_ERROR(add_hidden_columns(cte));
  cte.state = State::kRecursiveTerm;
  const SelectAst* const carrying = carries_hidden_;
  if (!cte.hidden.empty()) carries_hidden_ = query.arms[last].get();
  Result<PlanPtr> right = bind_arm(query, last, frame);
  carries_hidden_ = carrying;
  if (!right.ok()) return right;
  if (cte.self_references == 0) {
    arms.push_back(std::move(right).value());
    ASSIGN_OR_RETURN(PlanPtr plan, combine_arms(query, std::move(arms)));
    return finish_set_operation(query, std::move(plan), frame);
  }
  PlanPtr left = std::move(arms[0]);
  if (last > 1) {
    arms[0] = std::move(left);
    ASSIGN_OR_RETURN(left, combine_arms(query, std::move(arms)));
  }
  return recursive_plan(cte, query, std::move(left), std::move(right).value());
}

Result<PlanPtr> SelectBinder::bind_cte_reference(const AstFromItem& item, SubqueryFrame& frame) {
  for (CteScope* scope = ctes_; scope != nullptr; scope = scope->outer) {
    BoundCte* cte = scope->find(item.name);
    if (cte == nullptr) continue;
    if (cte->state == State::kUnbound) RETURN_IF_ERROR(bind_cte(*scope, *cte));
    if (cte->state == State::kBound) return reference(PlanNode::Kind::kCteScan, *cte, item);
    RETURN_IF_ERROR(check_recursion(*scope, *cte, item, frame));
    return working_table(*cte, reference(PlanNode::Kind::kWorkingTable, *cte, item));
  }
  return PlanPtr();
}

// 42P19 for a self-reference where PostgreSQL has none.
Status SelectBinder::check_recursion(CteScope& scope, BoundCte& cte, const AstFromItem& item,
                                     const SubqueryFrame& frame) {
  const std::string self = "recursive reference to query \"" + cte.ast->name + "\" must not appear ";
  if (scope.binding.back() != &cte) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      "mutual recursion between WITH items is not implemented", cte.ast->position);
  }
  if (cte.state == State::kBinding) {
    return recursion_error("recursive query \"" + cte.ast->name +
                               "\" does not have the form non-recursive-term UNION [ALL] "
                               "recursive-term",
                           cte.ast->position);
  }
  if (cte.state == State::kNonRecursiveTerm) {
    return recursion_error(self + "within its non-recursive term", item.position);
  }
  for (const SubqueryFrame* at = &frame; at != scope.frame && at->parent != nullptr;
       at = at->parent->frame) {
    if (!at->lateral) return recursion_error(self + "within a subquery", item.position);
  }
  switch (recursion_place_) {
    case RecursionPlace::kOuterJoin:
      return recursion_error(self + "within an outer join", item.position);
    case RecursionPlace::kIntersect:
      return recursion_error(self + "within INTERSECT", item.position);
    case RecursionPlace::kExcept:
      return recursion_error(self + "within EXCEPT", item.position);
    case RecursionPlace::kGood:
      break;
  }
  if (++cte.self_references > 1) return recursion_error(self + "more than once", item.position);
  return {};
}

bool SelectBinder::is_later_cte(const std::string& name) const {
  for (const CteScope* scope = ctes_; scope != nullptr; scope = scope->outer) {
    for (const BoundCte& cte : scope->entries) {
      if (cte.ast->name == name) return true;
    }
  }
  return false;
}

}  // namespace eventd::engine
