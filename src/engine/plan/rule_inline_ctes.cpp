#include <algorithm>

#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {
namespace {

using NodeKind = PlanNode::Kind;

/// The scans of one common table expression.
struct Readers {
  PlanPtr* once = nullptr;  ///< the last one seen that runs once for the frame's plan
  size_t count = 0;
};

void find_readers(PlanPtr& plan, int cte_id, bool once, Readers& readers);

void find_in_expression(Expr& expression, int cte_id, Readers& readers) {
  for (ExprPtr& child : expression.children) find_in_expression(*child, cte_id, readers);
  if (expression.subquery != nullptr) {
    find_readers(expression.subquery->plan, cte_id, false, readers);
  }
}

/// `once`: no more than one run of `plan` for a run of the kWith, and in its frame.
void find_readers(PlanPtr& plan, int cte_id, bool once, Readers& readers) {
  if (plan->kind == NodeKind::kCteScan && plan->cte_id == cte_id) {
    ++readers.count;
    readers.once = once ? &plan : nullptr;
    return;
  }
  for_each_expression(*plan, [&](ExprPtr& expression) {
    find_in_expression(*expression, cte_id, readers);
  });
  for (size_t i = 0; i < plan->children.size(); ++i) {
    const bool repeated =
        i == 1 && (plan->kind == NodeKind::kApply || plan->kind == NodeKind::kRecursiveUnion);
    find_readers(plan->children[i], cte_id, once && !repeated, readers);
  }
}

/// The scan's rows now come from `plan`, under the names the scan gave them.
void replace_scan(PlanPtr& scan, PlanPtr plan) {
  plan->columns.swap(scan->columns);
  scan = std::move(plan);
}

void inline_one(PlanPtr& with, size_t i) {
  Readers readers;
  const int id = with->cte_ids[i];
  for (size_t j = i + 1; j < with->children.size(); ++j) {
    find_readers(with->children[j], id, true, readers);
  }
  if (plan_volatility(*with->children[i]) == Volatility::kVolatile) return;
  const std::vector<int>& fenced = with->fenced_cte_ids;
  const bool stays = std::find(fenced.begin(), fenced.end(), id) != fenced.end();
  if (readers.count > 1 || (readers.count == 1 && (stays || readers.once == nullptr))) return;
  if (readers.count == 1) replace_scan(*readers.once, std::move(with->children[i]));
  with->children.erase(with->children.begin() + static_cast<std::ptrdiff_t>(i));
  with->cte_ids.erase(with->cte_ids.begin() + static_cast<std::ptrdiff_t>(i));
}

void inline_in_expression(Expr& expression) {
  for (ExprPtr& child : expression.children) inline_in_expression(*child);
  if (expression.subquery != nullptr) inline_ctes(expression.subquery->plan);
}

}  // namespace

void inline_ctes(PlanPtr& plan) {
  for_each_expression(*plan, [](ExprPtr& expression) { inline_in_expression(*expression); });
  for (PlanPtr& child : plan->children) inline_ctes(child);
  if (plan->kind != NodeKind::kWith) return;
  // The last one first: when it goes, one before it may have a single reader left.
  for (size_t i = plan->cte_ids.size(); i-- > 0;) inline_one(plan, i);
  if (!plan->cte_ids.empty()) return;
  PlanPtr query = std::move(plan->children.back());
  plan = std::move(query);
}

}  // namespace eventd::engine
