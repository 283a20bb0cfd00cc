// Set-returning functions of the target list: the kProjectSet nodes they become.
#include <algorithm>

#include "engine/plan/rules.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

template <class Visit>
void for_each_set_column(Expr& expression, const Visit& visit) {
  for_each_column(expression, [&](Expr& column) {
    if (column.index >= kSetColumnBase) visit(column, static_cast<size_t>(column.index - kSetColumnBase));
  });
}

// Which call each column of the calls belongs to.
std::vector<size_t> calls_of_columns(const QueryLevel& level) {
  std::vector<size_t> calls;
  for (size_t i = 0; i < level.set_calls.size(); ++i) {
    calls.insert(calls.end(), level.set_calls[i].column_count, i);
  }
  return calls;
}

}  // namespace

// Puts kProjectSets for the selected calls above the plan: calls in the arguments of others lie
// below those (split_pathtarget_at_srfs()). Their columns become columns of the plan everywhere.
void SelectBinder::place_set_calls(Block& block, std::vector<bool> selected) {
  QueryLevel& level = block.level;
  const std::vector<size_t> call_of = calls_of_columns(level);
  block.set_columns.resize(call_of.size(), -1);
  // Calls in arguments are bound before the call itself: one pass tells the depths.
  std::vector<size_t> depths(level.set_calls.size(), 0);
  size_t deepest = 0;
  for (size_t i = 0; i < depths.size(); ++i) {
    for (ExprPtr& argument : level.set_calls[i].arguments) {
      for_each_set_column(*argument, [&](Expr&, size_t k) {
        if (block.set_columns[k] < 0) depths[i] = std::max(depths[i], depths[call_of[k]] + 1);
      });
    }
    if (selected[i]) deepest = std::max(deepest, depths[i]);
  }
  const auto place = [&](Expr& column, size_t k) {
    if (block.set_columns[k] >= 0) column.index = block.set_columns[k];
  };
  for (size_t depth = 0; depth <= deepest; ++depth) {
    bool any = false;
    for (size_t i = 0; i < depths.size(); ++i) any = any || (selected[i] && depths[i] == depth);
    if (!any) continue;
    PlanPtr node = plan_above(PlanNode::Kind::kProjectSet, std::move(block.plan));
    for (size_t i = 0; i < depths.size(); ++i) {
      if (!selected[i] || depths[i] != depth) continue;
      SetCall& call = level.set_calls[i];
      for (ExprPtr& argument : call.arguments) for_each_set_column(*argument, place);
    }
    for (size_t k = 0; k < call_of.size(); ++k) {
      const SetCall& call = level.set_calls[call_of[k]];
      if (!selected[call_of[k]] || depths[call_of[k]] != depth) continue;
      const size_t first = level.set_column_count(call_of[k]);
      block.set_columns[k] = static_cast<int>(node->columns.size());
      node->columns.push_back({std::string(call.function->columns[k - first].first),
                               level.set_types[k], 0, 0});
    }
    for (size_t i = 0; i < depths.size(); ++i) {
      if (!selected[i] || depths[i] != depth) continue;
      SetCall& call = level.set_calls[i];
      node->set_calls.push_back({call.function, std::move(call.arguments), call.column_count});
      call.arguments.clear();
    }
    block.plan = std::move(node);
  }
  const auto replace = [&](ExprPtr& expression) {
    if (expression != nullptr) for_each_set_column(*expression, place);
  };
  for (ExprPtr& target : block.targets) replace(target);
  for (ExprPtr& key : block.group_by) replace(key);
  for (SetCall& call : level.set_calls) {
    for (ExprPtr& argument : call.arguments) replace(argument);
  }
}

// GROUP BY a set-returning function: its rows are made below the grouping.
Status SelectBinder::apply_grouped_set_calls(Block& block) {
  const std::vector<size_t> call_of = calls_of_columns(block.level);
  std::vector<bool> selected(block.level.set_calls.size(), false);
  bool any = false;
  const auto select = [&](Expr&, size_t k) { any = selected[call_of[k]] = true; };
  for (ExprPtr& key : block.group_by) for_each_set_column(*key, select);
  if (!any) return {};
  for (size_t i = selected.size(); i-- > 0;) {
    if (!selected[i]) continue;
    for (ExprPtr& argument : block.level.set_calls[i].arguments) {
      for_each_set_column(*argument, select);
    }
  }
  place_set_calls(block, std::move(selected));
  return {};
}

// Above grouping and windows. When no sort key needs them and nothing looks at all rows (DISTINCT,
// WITH TIES), the rows are sorted before they are multiplied.
Status SelectBinder::apply_set_calls(const SelectAst& select, Block& block) {
  const std::vector<size_t> call_of = calls_of_columns(block.level);
  block.set_columns.resize(call_of.size(), -1);
  std::vector<bool> selected(block.level.set_calls.size(), false);
  bool any = false;
  for (size_t k = 0; k < call_of.size(); ++k) {
    if (block.set_columns[k] < 0) any = selected[call_of[k]] = true;
  }
  if (!any) return {};
  bool sort_first = !block.sort_keys.empty() && !select.distinct && !select.with_ties;
  for (const SortKey& key : block.sort_keys) {
    Expr& target = *block.targets[static_cast<size_t>(key.expression->index)];
    for_each_set_column(target, [&](Expr&, size_t) { sort_first = false; });
  }
  if (sort_first) {
    PlanPtr sort = plan_above(PlanNode::Kind::kSort, std::move(block.plan));
    for (SortKey& key : block.sort_keys) {
      key.expression = block.targets[static_cast<size_t>(key.expression->index)]->clone();
    }
    sort->sort_keys = std::move(block.sort_keys);
    block.sort_keys.clear();
    block.plan = std::move(sort);
  }
  place_set_calls(block, std::move(selected));
  return {};
}

}  // namespace eventd::engine
