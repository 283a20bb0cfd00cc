#include "engine/plan/attach_ctes.h"

#include <algorithm>
#include <unordered_map>

#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

// Where a part of a plan stands.
struct Place {
  bool other_frame = false;  // inside a subquery or the right of an Apply: kOuter means others there
  bool repeated = false;     // computed for many rows or rounds
};

struct Uses {
  int count = 0;
  Place place;  // of all of them together
};

using UsesById = std::unordered_map<int, Uses>;

Place child_place(const PlanNode& node, size_t child, Place place) {
  if (child == 0) return place;
  if (node.kind == PlanNode::Kind::kApply) {
    return {true, place.repeated || !node.expressions.empty()};
  }
  if (node.kind == PlanNode::Kind::kRecursiveUnion) place.repeated = true;
  return place;
}

// Calls `visit(PlanPtr&, Place)` for the plans of the subqueries of an expression.
template <class Visit>
Status for_each_subplan(Expr& expression, Place place, const Visit& visit) {
  RETURN_IF_ERROR(check_stack_depth());
  if (expression.subquery != nullptr) {
    RETURN_IF_ERROR(visit(expression.subquery->plan,
                          Place{true, place.repeated || !expression.children.empty()}));
  }
  for (ExprPtr& child : expression.children) {
    RETURN_IF_ERROR(for_each_subplan(*child, place, visit));
  }
  return {};
}

// Calls `visit` for the inputs of a node, those in its expressions too.
template <class Visit>
Status for_each_input(PlanNode& node, Place place, const Visit& visit) {
  for (size_t i = 0; i < node.children.size(); ++i) {
    RETURN_IF_ERROR(visit(node.children[i], child_place(node, i, place)));
  }
  Status failure;
  for_each_expression(node, [&](ExprPtr& expression) {
    if (failure.ok()) failure = for_each_subplan(*expression, place, visit);
  });
  return failure;
}

Status count_uses(PlanPtr& node, Place place, UsesById& uses) {
  RETURN_IF_ERROR(check_stack_depth());
  if (node->kind == PlanNode::Kind::kCteScan) {
    const auto at = uses.find(node->cte_id);
    if (at == uses.end()) return {};  // of a list around
    ++at->second.count;
    at->second.place.other_frame |= place.other_frame;
    at->second.place.repeated |= place.repeated;
    return {};
  }
  return for_each_input(*node, place, [&](PlanPtr& child, Place its_place) {
    return count_uses(child, its_place, uses);
  });
}

bool mentions_outer(const Expr& expression) {
  return expression.kind == Expr::Kind::kOuter ||
         std::any_of(expression.children.begin(), expression.children.end(),
                     [](const ExprPtr& child) { return mentions_outer(*child); });
}

// True when the plan takes something from the frame it stands in.
bool is_correlated(PlanNode& plan) {
  bool found = false;
  for_each_expression(plan, [&](ExprPtr& expression) {
    found = found || mentions_outer(*expression);
  });
  const size_t own = plan.kind == PlanNode::Kind::kApply ? 1 : plan.children.size();
  for (size_t i = 0; i < own && !found; ++i) found = is_correlated(*plan.children[i]);
  return found;
}

// Nodes of a plan; -1 for one that may not be copied, as its ids may be there only once.
int64_t copyable_nodes(PlanNode& plan) {
  if (plan.kind == PlanNode::Kind::kWith || plan.kind == PlanNode::Kind::kRecursiveUnion) return -1;
  int64_t total = 1;
  (void)for_each_input(plan, {}, [&](PlanPtr& child, Place) -> Status {
    const int64_t below = copyable_nodes(*child);
    total = below < 0 || total < 0 ? -1 : total + below;
    return {};
  });
  return total;
}

bool goes_to_its_place(BoundCte& cte, const Uses& uses, BindState& state) {
  if (cte.ast->materialized == AstCte::Materialized::kAlways) return false;
  if (uses.place.repeated) return false;
  if (plan_volatility(*cte.plan) == Volatility::kVolatile) return false;
  if (uses.place.other_frame && is_correlated(*cte.plan)) return false;
  if (uses.count == 1) return true;
  if (cte.ast->materialized != AstCte::Materialized::kNever) return false;
  const int64_t nodes = copyable_nodes(*cte.plan);
  return nodes > 0 && state.spend(nodes * uses.count).ok();
}

class Inliner {
 public:
  explicit Inliner(std::unordered_map<int, BoundCte*>& inlined) : inlined_(inlined) {}

  Status run(PlanPtr& node) {
    RETURN_IF_ERROR(check_stack_depth());
    if (node->kind == PlanNode::Kind::kCteScan) {
      const auto at = inlined_.find(node->cte_id);
      if (at == inlined_.end()) return {};
      BoundCte& cte = *at->second;
      const std::vector<OutputColumn> columns = std::move(node->columns);
      node = --left_[cte.id] > 0 ? cte.plan->clone() : std::move(cte.plan);
      node->columns = columns;
      return run(node);
    }
    return for_each_input(*node, {}, [&](PlanPtr& child, Place) { return run(child); });
  }

  void expect(const BoundCte& cte, int uses) { left_[cte.id] = uses; }

 private:
  std::unordered_map<int, BoundCte*>& inlined_;
  std::unordered_map<int, int> left_;  // places still to come
};

}  // namespace

Result<PlanPtr> attach_ctes(std::vector<BoundCte>& entries, const std::vector<size_t>& order,
                            PlanPtr plan, BindState& state) {
  UsesById uses;
  for (const BoundCte& cte : entries) uses[cte.id];
  RETURN_IF_ERROR(count_uses(plan, {}, uses));
  std::unordered_map<int, BoundCte*> inlined;
  Inliner inliner(inlined);
  std::vector<BoundCte*> kept;
  for (size_t i = order.size(); i-- > 0;) {  // users come before what they use
    BoundCte& cte = entries[order[i]];
    const Uses& its = uses[cte.id];
    if (its.count == 0) continue;
    const bool goes = goes_to_its_place(cte, its, state);
    Place place;
    if (goes) {
      place = its.place;
      inlined[cte.id] = &cte;
    } else {
      kept.push_back(&cte);
    }
    // What a copied query uses is used as often as there are copies.
    for (int copy = 0; copy < (goes ? its.count : 1); ++copy) {
      RETURN_IF_ERROR(count_uses(cte.plan, place, uses));
    }
    if (goes) inliner.expect(cte, its.count);
  }
  RETURN_IF_ERROR(inliner.run(plan));
  if (kept.empty()) return plan;
  auto with = std::make_unique<PlanNode>(PlanNode::Kind::kWith);
  with->columns = plan->columns;
  for (size_t i = kept.size(); i-- > 0;) {
    RETURN_IF_ERROR(inliner.run(kept[i]->plan));
    with->cte_ids.push_back(kept[i]->id);
    if (kept[i]->ast->materialized == AstCte::Materialized::kAlways) {
      with->fenced_cte_ids.push_back(kept[i]->id);
    }
    with->children.push_back(std::move(kept[i]->plan));
  }
  with->children.push_back(std::move(plan));
  return with;
}

}  // namespace eventd::engine
