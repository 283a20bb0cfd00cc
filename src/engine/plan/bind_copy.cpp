// Copies of bound expressions: CASE x WHEN …, row comparisons and lists compare one operand often.
#include <unordered_map>

#include "engine/plan/expression_binder.h"
#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

int64_t node_count(const Expr& expression);

int64_t node_count(const PlanNode& plan) {
  int64_t count = 1 + static_cast<int64_t>(plan.columns.size());
  // for_each_expression() takes a mutable node for rules; nothing is changed here.
  for_each_expression(const_cast<PlanNode&>(plan),
                      [&](ExprPtr& expression) { count += node_count(*expression); });
  for (const PlanPtr& child : plan.children) count += node_count(*child);
  return count;
}

int64_t node_count(const Expr& expression) {
  int64_t count = expression.subquery == nullptr ? 1 : node_count(*expression.subquery->plan);
  for (const ExprPtr& child : expression.children) count += node_count(*child);
  return count;
}

// Gives the WITH queries and recursions inside copied plans ids of their own.
class CteRenumbering {
 public:
  explicit CteRenumbering(int& next_id) : next_id_(next_id) {}

  void visit(Expr& expression) {
    if (expression.subquery != nullptr) visit(*expression.subquery->plan);
    for (ExprPtr& child : expression.children) visit(*child);
  }

 private:
  void visit(PlanNode& plan) {
    for (int& id : plan.cte_ids) id = ids_[id] = next_id_++;
    for (int& id : plan.fenced_cte_ids) id = ids_[id];
    if (plan.kind == PlanNode::Kind::kRecursiveUnion) ids_[plan.cte_id] = next_id_++;
    const auto renamed = ids_.find(plan.cte_id);
    if (renamed != ids_.end()) plan.cte_id = renamed->second;
    for_each_expression(plan, [&](ExprPtr& expression) { visit(*expression); });
    for (PlanPtr& child : plan.children) visit(*child);
  }

  int& next_id_;
  std::unordered_map<int, int> ids_;
};

}  // namespace

Result<ExprPtr> ExpressionBinder::copy_of(const Expr& expression) {
  RETURN_IF_ERROR(state_.spend(node_count(expression)));
  ExprPtr copy = expression.clone();
  CteRenumbering(state_.next_cte_id).visit(*copy);
  return copy;
}

}  // namespace eventd::engine
