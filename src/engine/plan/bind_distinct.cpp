// DISTINCT and DISTINCT ON.
#include <algorithm>

#include "engine/plan/coercion.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

Error not_initial(int position) {
  return bind_error(sqlstate::kInvalidColumnReference,
                    "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
                    position);
}

bool contains(const std::vector<int>& targets, int target) {
  return std::find(targets.begin(), targets.end(), target) != targets.end();
}

int target_of(const SortKey& key) { return key.expression->index; }

}  // namespace

// The rows are sorted by the keys first, in the directions ORDER BY gives them. What ORDER BY has
// in front of a key that is not one is an error, as in transformDistinctOnClause().
Status SelectBinder::bind_distinct_on(const SelectAst& select, Block& block) {
  if (select.distinct_on.empty()) return {};
  std::vector<int> positions;
  for (const AstExprPtr& item : select.distinct_on) {
    Clause clause = Clause::order_by();
    clause.name = "DISTINCT ON";
    ASSIGN_OR_RETURN(const int target, order_target(*item, clause, select, block));
    ExprPtr& expression = block.targets[static_cast<size_t>(target)];
    ASSIGN_OR_RETURN(expression, resolve_unknown(std::move(expression), state_.parameters));
    if (contains(block.distinct_on, target)) continue;
    block.distinct_on.push_back(target);
    positions.push_back(item->position);
  }
  bool skipped = false;
  std::vector<int> matched;
  for (const SortKey& key : block.sort_keys) {
    const auto at = std::find(block.distinct_on.begin(), block.distinct_on.end(), target_of(key));
    if (at == block.distinct_on.end()) {
      skipped = true;
      continue;
    }
    if (skipped) return not_initial(positions[static_cast<size_t>(at - block.distinct_on.begin())]);
    matched.push_back(target_of(key));
  }
  std::vector<SortKey> missing;
  for (size_t i = 0; i < block.distinct_on.size(); ++i) {
    const int target = block.distinct_on[i];
    if (contains(matched, target)) continue;
    if (skipped) return not_initial(positions[i]);
    SortKey key;
    key.expression = Expr::column(target, block.targets[static_cast<size_t>(target)]->type);
    missing.push_back(std::move(key));
  }
  block.sort_keys.insert(block.sort_keys.end(), std::make_move_iterator(missing.begin()),
                         std::make_move_iterator(missing.end()));
  return {};
}

// kDistinctOn gives the rows in the order of its keys, which are those of ORDER BY: no sort after.
PlanPtr SelectBinder::apply_distinct(const SelectAst& select, PlanPtr plan, Block& block) {
  if (!select.distinct) return plan;
  if (select.distinct_on.empty()) return plan_above(PlanNode::Kind::kDistinct, std::move(plan));
  PlanPtr node = plan_above(PlanNode::Kind::kDistinctOn, std::move(plan));
  for (const int target : block.distinct_on) {
    node->group_by.push_back(Expr::column(target, node->columns[static_cast<size_t>(target)].type));
  }
  node->sort_keys = std::move(block.sort_keys);
  block.sort_keys.clear();
  return node;
}

}  // namespace eventd::engine
