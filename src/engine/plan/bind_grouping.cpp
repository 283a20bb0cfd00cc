// GROUP BY with its sets, GROUPING(…), and the Aggregate node they become.
#include <algorithm>
#include <climits>

#include "bytes.h"
#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/rules.h"
#include "engine/plan/select_binder.h"
#include "engine/plan/stack_guard.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

constexpr size_t kGroupingSetsMax = 4096;
constexpr size_t kCubeElementsMax = 12;

using GroupingSet = std::vector<int>;
using GroupingSets = std::vector<GroupingSet>;

/// The first column of these indexes in the expression, null: none.
const Expr* column_between(const Expr& expression, int first, int end) {
  if (expression.kind == Expr::Kind::kColumn && expression.index >= first &&
      expression.index < end) {
    return &expression;
  }
  for (const ExprPtr& child : expression.children) {
    if (const Expr* found = column_between(*child, first, end)) return found;
  }
  return nullptr;
}

bool is_constant_item(const AstExpr& item) {
  using Kind = AstExpr::Kind;
  return item.kind == Kind::kString || item.kind == Kind::kNumber || item.kind == Kind::kNull ||
         item.kind == Kind::kBoolean || item.kind == Kind::kBitString;
}

void add_all(const GroupingSet& from, GroupingSet& to) {
  for (const int key : from) {
    if (std::find(to.begin(), to.end(), key) == to.end()) to.push_back(key);
  }
}

Status too_many_sets() {
  return {sqlstate::kStatementTooComplex, "too many grouping sets present (maximum 4096)"};
}

// Each of `left` with each of `right`.
Result<GroupingSets> cross(const GroupingSets& left, const GroupingSets& right) {
  if (left.size() * right.size() > kGroupingSetsMax) return too_many_sets();
  GroupingSets out;
  for (const GroupingSet& a : left) {
    for (const GroupingSet& b : right) {
      out.push_back(a);
      add_all(b, out.back());
    }
  }
  return out;
}

void remove_equal_sets(GroupingSets& sets) {
  GroupingSets kept, seen;
  for (GroupingSet& set : sets) {
    GroupingSet sorted = set;
    std::sort(sorted.begin(), sorted.end());
    if (std::find(seen.begin(), seen.end(), sorted) != seen.end()) continue;
    seen.push_back(std::move(sorted));
    kept.push_back(std::move(set));
  }
  sets = std::move(kept);
}

bool mentions_outer(const Expr& expression, int index) {
  if (expression.kind == Expr::Kind::kOuter && expression.index == index) return true;
  return std::any_of(expression.children.begin(), expression.children.end(),
                     [&](const ExprPtr& child) { return mentions_outer(*child, index); });
}

// Whether child `index` is read inside a query, not compared with what it gives.
bool is_read_inside(const Expr& expression, size_t index) {
  if (expression.subquery == nullptr) return false;
  const ExprPtr& comparison = expression.subquery->comparison;
  return comparison == nullptr || !mentions_outer(*comparison, static_cast<int>(index));
}

/// One value for the whole execution, known before it.
bool is_fixed_value(const Expr& expression) {
  using Kind = Expr::Kind;
  return expression.kind != Kind::kColumn && expression.kind != Kind::kOuter &&
         expression.kind != Kind::kSubquery && expression.volatility() == Volatility::kImmutable &&
         std::all_of(expression.children.begin(), expression.children.end(),
                     [](const ExprPtr& child) { return is_fixed_value(*child); });
}

bool has_several_sets(const AstGroupItem& item) {
  using Kind = AstGroupItem::Kind;
  return item.kind == Kind::kSets || item.kind == Kind::kRollup || item.kind == Kind::kCube;
}

/// The first target that is this expression, -1: none.
int equal_target(const std::vector<ExprPtr>& targets, const Expr& expression) {
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i]->equals(expression)) return static_cast<int>(i);
  }
  return -1;
}

ExprPtr int4_constant(int32_t value) {
  return Expr::constant_of(Datum::int4(value), {oid::kInt4, -1});
}

}  // namespace

// A number is an ordinal, a bare name an input column or else an output name; -1: neither.
Result<int> SelectBinder::group_target(const AstExpr& item, Block& block) {
  if (item.kind == AstExpr::Kind::kInteger) {
    if (item.number < 1 || item.number > static_cast<int64_t>(block.columns.size())) {
      return bind_error(sqlstate::kInvalidColumnReference,
                        "GROUP BY position " + std::to_string(item.number) +
                            " is not in select list",
                        item.position);
    }
    return static_cast<int>(item.number - 1);
  }
  if (is_constant_item(item)) {
    return bind_error(sqlstate::kSyntaxError, "non-integer constant in GROUP BY", item.position);
  }
  if (item.kind != AstExpr::Kind::kColumnRef || item.names.size() != 1 || item.star ||
      block.level.scope.find_unqualified(item.names[0]) >= 0) {
    return -1;
  }
  int target = -1;
  for (size_t i = 0; i < block.columns.size(); ++i) {
    if (block.columns[i].name != item.names[0]) continue;
    if (target >= 0 && !block.targets[i]->equals(*block.targets[static_cast<size_t>(target)])) {
      return bind_error(sqlstate::kAmbiguousColumn,
                        "GROUP BY \"" + item.names[0] + "\" is ambiguous", item.position);
    }
    if (target < 0) target = static_cast<int>(i);
  }
  return target;
}

// The key an item means, as its index in block.group_by.
Result<int> SelectBinder::bind_group_item(const AstExpr& item, Block& block) {
  ASSIGN_OR_RETURN(int target, group_target(item, block));
  ExprPtr expression;
  if (target >= 0) {
    ExprPtr& chosen = block.targets[static_cast<size_t>(target)];
    ASSIGN_OR_RETURN(chosen, resolve_unknown(std::move(chosen), state_.parameters));
    block.columns[static_cast<size_t>(target)].type = chosen->type;
    if (const Expr* found = column_between(*chosen, kAggregateColumnBase, kWindowColumnBase)) {
      return bind_error(sqlstate::kGroupingError,
                        "aggregate functions are not allowed in GROUP BY", found->position);
    }
    if (const Expr* found = column_between(*chosen, kWindowColumnBase, kSetColumnBase)) {
      return bind_error(sqlstate::kWindowingError,
                        "window functions are not allowed in GROUP BY", found->position);
    }
    RETURN_IF_ERROR(state_.spend(1));
    expression = chosen->clone();
  } else {
    ExpressionBinder binder(state_, block.level, Clause::group_by());
    ASSIGN_OR_RETURN(expression, binder.bind(item));
    ASSIGN_OR_RETURN(expression, resolve_unknown(std::move(expression), state_.parameters));
  }
  if (block.has_sets && target < 0) target = equal_target(block.targets, *expression);
  for (size_t i = 0; i < block.group_by.size(); ++i) {
    const bool same_target = target >= 0 && block.group_targets[i] == target;
    // Between sets, equal targets that are named apart are keys of their own.
    const bool comparable = !block.has_sets || target < 0 || block.group_targets[i] < 0;
    if (same_target || (comparable && block.group_by[i]->equals(*expression))) {
      return static_cast<int>(i);
    }
  }
  block.group_by.push_back(std::move(expression));
  block.group_targets.push_back(target);
  return static_cast<int>(block.group_by.size() - 1);
}

// The keys of an item that counts as one: an expression or a list in parentheses.
Result<std::vector<int>> SelectBinder::bind_group_list(const AstGroupItem& item, Block& block) {
  GroupingSet keys;
  if (item.kind == AstGroupItem::Kind::kExpression) {
    ASSIGN_OR_RETURN(const int key, bind_group_item(*item.expression, block));
    keys.push_back(key);
    return keys;
  }
  for (const AstGroupItem& part : item.items) {
    ASSIGN_OR_RETURN(const GroupingSet more, bind_group_list(part, block));
    add_all(more, keys);
  }
  return keys;
}

// The sets one item of GROUP BY stands for, as expand_groupingset_node().
Result<std::vector<std::vector<int>>> SelectBinder::grouping_sets_of(const AstGroupItem& item,
                                                                     Block& block) {
  RETURN_IF_ERROR(check_stack_depth());
  using Kind = AstGroupItem::Kind;
  GroupingSets sets;
  switch (item.kind) {
    case Kind::kEmpty: return GroupingSets{{}};
    case Kind::kExpression:
    case Kind::kList: {
      ASSIGN_OR_RETURN(GroupingSet keys, bind_group_list(item, block));
      sets.push_back(std::move(keys));
      return sets;
    }
    case Kind::kSets:
      for (const AstGroupItem& part : item.items) {
        ASSIGN_OR_RETURN(GroupingSets more, grouping_sets_of(part, block));
        for (GroupingSet& set : more) sets.push_back(std::move(set));
        if (sets.size() > kGroupingSetsMax) return too_many_sets();
      }
      return sets;
    case Kind::kRollup:
    case Kind::kCube: break;
  }
  std::vector<GroupingSet> elements;
  for (const AstGroupItem& part : item.items) {
    ASSIGN_OR_RETURN(GroupingSet keys, bind_group_list(part, block));
    elements.push_back(std::move(keys));
  }
  if (item.kind == Kind::kRollup) {
    for (size_t count = elements.size() + 1; count-- > 0;) {
      sets.emplace_back();
      for (size_t i = 0; i < count; ++i) add_all(elements[i], sets.back());
    }
    return sets;
  }
  if (elements.size() > kCubeElementsMax) {
    return bind_error(sqlstate::kTooManyColumns, "CUBE is limited to 12 elements", item.position);
  }
  for (size_t mask = size_t{1} << elements.size(); mask-- > 0;) {
    sets.emplace_back();
    for (size_t i = 0; i < elements.size(); ++i) {
      if ((mask >> i & 1) != 0) add_all(elements[i], sets.back());
    }
  }
  return sets;
}

Status SelectBinder::bind_group_by(const SelectAst& select, Block& block) {
  block.grouped = !select.group_by.empty();
  block.has_sets = std::any_of(select.group_by.begin(), select.group_by.end(), has_several_sets);
  bool sets_written = false;
  GroupingSets sets{{}};
  for (const AstGroupItem& item : select.group_by) {
    ASSIGN_OR_RETURN(const GroupingSets more, grouping_sets_of(item, block));
    ASSIGN_OR_RETURN(sets, cross(sets, more));
    sets_written = sets_written || more.size() != 1;
  }
  if (select.group_distinct) remove_equal_sets(sets);
  if (sets_written && sets.size() > 1) {
    std::stable_sort(sets.begin(), sets.end(), [](const GroupingSet& a, const GroupingSet& b) {
      return a.size() < b.size();
    });
    block.grouping_sets = std::move(sets);
  }
  return {};
}

// GROUPING(a, b) of the set a row belongs to: bit i is set when argument i is not one of its keys.
Result<ExprPtr> SelectBinder::grouping_value(const std::vector<ExprPtr>& arguments,
                                             const Block& block) {
  std::vector<int> keys;
  for (const ExprPtr& argument : arguments) {
    size_t key = 0;
    while (key < block.group_by.size() && !block.group_by[key]->equals(*argument)) ++key;
    if (key == block.group_by.size()) {
      return bind_error(sqlstate::kGroupingError,
                        "arguments to GROUPING must be grouping expressions of the associated "
                        "query level",
                        argument->position);
    }
    keys.push_back(static_cast<int>(key));
  }
  if (block.grouping_sets.empty()) return int4_constant(0);
  ArrayBuilder values(oid::kInt4);
  for (const GroupingSet& set : block.grouping_sets) {
    uint32_t value = 0;
    for (const int key : keys) {
      const bool grouped = std::find(set.begin(), set.end(), key) != set.end();
      value = value << 1 | (grouped ? 0u : 1u);
    }
    std::string bytes;
    append_be(bytes, static_cast<int32_t>(value));
    values.add(bytes);
  }
  RETURN_IF_ERROR(state_.spend(static_cast<int64_t>(block.grouping_sets.size())));
  const size_t set_column = block.group_by.size() + block.level.aggregates.size();
  QueryLevel no_columns(*block.level.frame);
  ExpressionBinder binder(state_, no_columns, "GROUPING");
  ASSIGN_OR_RETURN(ExprPtr index,
                   binder.bind_operator("+", Expr::column(static_cast<int>(set_column),
                                                          {oid::kInt4, -1}),
                                        int4_constant(1), 0));
  std::vector<ExprPtr> subscript;
  subscript.push_back(Expr::constant_of(Datum(oid::kInt4Array, values.finish()),
                                        {oid::kInt4Array, -1}));
  subscript.push_back(std::move(index));
  return binder.bind_function("eventd_array_element", std::move(subscript), 0);
}

// The key an expression above the grouping is, -1: none. Of equal keys that of the first target. A
// constant stays one, whatever sets of groups would make of it, as in PostgreSQL.
int SelectBinder::key_of(const Expr& expression, const Block& block) {
  if (block.has_sets && is_fixed_value(expression)) return -1;
  int found = -1;
  const auto rank = [&](int key) {
    const int target = block.group_targets[static_cast<size_t>(key)];
    return target < 0 ? INT_MAX : target;
  };
  for (size_t i = 0; i < block.group_by.size(); ++i) {
    const int key = static_cast<int>(i);
    if (found >= 0 && rank(found) <= rank(key)) continue;
    if (expression.equals(*block.group_by[i])) found = key;
  }
  return found;
}

// Rewrites an expression over the input to one over the Aggregate's output.
Status SelectBinder::replace_grouped(ExprPtr& expression, const Block& block, bool in_subquery) {
  RETURN_IF_ERROR(check_stack_depth());
  if (const int key = key_of(*expression, block); key >= 0) {
    const int position = expression->position;
    expression = Expr::column(key, block.group_by[static_cast<size_t>(key)]->type);
    expression->position = position;
    return {};
  }
  if (expression->kind == Expr::Kind::kColumn) {
    const int index = expression->index;
    if (index >= kWindowColumnBase) return {};  // computed above the grouping
    if (index >= kGroupingColumnBase) {
      const size_t call = static_cast<size_t>(index - kGroupingColumnBase);
      ASSIGN_OR_RETURN(expression, grouping_value(block.level.groupings[call], block));
      return {};
    }
    if (index >= kAggregateColumnBase) {
      expression->index += static_cast<int>(block.group_by.size()) - kAggregateColumnBase;
      return {};
    }
    const std::string name = static_cast<size_t>(index) < block.level.scope.columns().size()
                                 ? block.level.scope.qualified_name(static_cast<size_t>(index))
                                 : "?column?";
    return bind_error(sqlstate::kGroupingError,
                      in_subquery
                          ? "subquery uses ungrouped column \"" + name + "\" from outer query"
                          : "column \"" + name +
                                "\" must appear in the GROUP BY clause or be used in an aggregate "
                                "function",
                      expression->position);
  }
  for (size_t i = 0; i < expression->children.size(); ++i) {
    RETURN_IF_ERROR(replace_grouped(expression->children[i], block,
                                    in_subquery || is_read_inside(*expression, i)));
  }
  return {};
}

// All that is computed above the grouping.
Status SelectBinder::replace_grouped_everywhere(Block& block) {
  const auto replace = [&](ExprPtr& expression) -> Status {
    return expression == nullptr ? Status() : replace_grouped(expression, block, false);
  };
  for (size_t i = 0; i < block.targets.size(); ++i) {
    // A target grouped by its number is that key, also where equals() cannot tell (subqueries).
    const auto key = std::find(block.group_targets.begin(), block.group_targets.end(),
                               static_cast<int>(i));
    if (key == block.group_targets.end()) {
      RETURN_IF_ERROR(replace(block.targets[i]));
    } else {
      const int at = static_cast<int>(key - block.group_targets.begin());
      block.targets[i] = Expr::column(at, block.targets[i]->type);
    }
  }
  for (BoundWindowCall& bound : block.level.window_calls) {
    for (ExprPtr& argument : bound.call.arguments) RETURN_IF_ERROR(replace(argument));
    RETURN_IF_ERROR(replace(bound.call.filter));
  }
  for (BoundWindow& window : block.level.windows) {
    for (ExprPtr& expression : window.partition_by) RETURN_IF_ERROR(replace(expression));
    for (SortKey& key : window.order_by) RETURN_IF_ERROR(replace(key.expression));
  }
  for (SetCall& call : block.level.set_calls) {
    for (ExprPtr& argument : call.arguments) RETURN_IF_ERROR(replace(argument));
  }
  return replace(block.having);
}

// Puts an Aggregate (and HAVING's filter) above the plan when the query is a grouped one.
Status SelectBinder::apply_grouping(Block& block) {
  if (!block.grouped && block.level.aggregates.empty() && block.level.groupings.empty() &&
      block.having == nullptr) {
    return {};
  }
  RETURN_IF_ERROR(apply_grouped_set_calls(block));
  RETURN_IF_ERROR(replace_grouped_everywhere(block));
  ASSIGN_OR_RETURN(const int gap_key, prepare_gap_fill(block));
  auto aggregate = std::make_unique<PlanNode>(PlanNode::Kind::kAggregate);
  for (const ExprPtr& key : block.group_by) {
    OutputColumn column;
    column.type = key->type;
    if (key->kind == Expr::Kind::kColumn) {
      column = block.plan->columns[static_cast<size_t>(key->index)];
    }
    aggregate->columns.push_back(std::move(column));
  }
  if (gap_key >= 0) aggregate->columns[static_cast<size_t>(gap_key)].name = "time_bucket";
  for (const AggregateCall& call : block.level.aggregates) {
    aggregate->columns.push_back({std::string(call.function->name), call.type, 0, 0});
  }
  if (!block.grouping_sets.empty()) {
    aggregate->columns.push_back({"grouping set", {oid::kInt4, -1}, 0, 0});
  }
  const size_t keys = block.group_by.size();
  aggregate->group_by = std::move(block.group_by);
  aggregate->aggregates = std::move(block.level.aggregates);
  aggregate->grouping_sets = std::move(block.grouping_sets);
  aggregate->children.push_back(std::move(block.plan));
  block.plan = std::move(aggregate);
  if (block.having != nullptr) {
    PlanPtr filter = plan_above(PlanNode::Kind::kFilter, std::move(block.plan));
    filter->condition = std::move(block.having);
    block.plan = std::move(filter);
  }
  return gap_key < 0 ? Status() : place_gap_fill(block, static_cast<size_t>(gap_key), keys);
}

}  // namespace eventd::engine
