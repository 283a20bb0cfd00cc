// The order of inner joins: greedily, always the two inputs whose join is expected to be smallest.
#include <algorithm>
#include <bit>

#include "engine/plan/decorrelation.h"
#include "engine/plan/plan_estimate.h"
#include "engine/plan/stack_guard.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

/// More inputs stay in the order they were written in.
constexpr size_t kInputsMax = 60;
/// An input has to be so much smaller than its partner to take its place as the right one.
constexpr double kSwapFactor = 1.5;

/// A product of more rows than this is not made by itself, to be joined then: who reads it would have
/// to keep it. Its inputs are joined to the rest one by one.
constexpr double kProductRowsMax = 100'000;

/// A part of the joins already put together.
struct Component {
  PlanPtr plan;
  std::vector<int> columns;  ///< of the whole join, in the order of the plan's
  uint64_t inputs = 0;
  double rows = 1;
};

struct JoinCondition {
  ExprPtr expression;  ///< over the columns of the whole join
  uint64_t inputs = 0;
  bool equality = false;
};

class JoinOrder {
 public:
  /// REQUIRES: an inner join.
  static Status run(PlanPtr& plan) {
    JoinOrder order;
    const size_t columns = plan->columns.size();
    if (count_inputs(*plan) > kInputsMax) return {};
    order.flatten(std::move(plan));
    order.find_inputs();
    while (order.parts_.size() > 1) {
      RETURN_IF_ERROR(check_interrupt());
      order.merge_best();
    }
    plan = order.finish(columns);
    return {};
  }

 private:
  static bool is_inner(const PlanNode& plan) {
    return plan.kind == PlanNode::Kind::kJoin && plan.join_type == JoinType::kInner;
  }
  static size_t count_inputs(const PlanNode& plan) {
    if (!is_inner(plan)) return 1;
    return count_inputs(*plan.children[0]) + count_inputs(*plan.children[1]);
  }

  void flatten(PlanPtr plan) {
    const int first = next_column_;
    if (is_inner(*plan)) {
      flatten(std::move(plan->children[0]));
      flatten(std::move(plan->children[1]));
      Conjuncts conjuncts;
      split_conjuncts(std::move(plan->condition), conjuncts);
      for (ExprPtr& conjunct : conjuncts) {
        shift_columns(*conjunct, first);
        const bool equality = is_equality(*conjunct);
        conditions_.push_back({std::move(conjunct), 0, equality});
      }
      return;
    }
    Component part;
    part.inputs = uint64_t{1} << parts_.size();
    part.rows = estimate_rows(*plan);
    for (size_t i = 0; i < plan->columns.size(); ++i) {
      part.columns.push_back(next_column_++);
      input_of_.push_back(part.inputs);
      columns_.push_back(plan->columns[i]);
    }
    part.plan = std::move(plan);
    parts_.push_back(std::move(part));
  }

  void find_inputs() {
    for (JoinCondition& condition : conditions_) {
      for_each_column(*condition.expression, [&](const Expr& column) {
        condition.inputs |= input_of_[static_cast<size_t>(column.index)];
      });
      // A condition that is an equality within one input joins nothing.
      condition.equality = condition.equality && (condition.inputs & (condition.inputs - 1)) != 0;
    }
  }

  bool applies(const JoinCondition& condition, const Component& a, const Component& b) const {
    return condition.expression != nullptr && (condition.inputs & ~(a.inputs | b.inputs)) == 0;
  }

  /// Expected rows of a ⋈ b; `connected` if a condition relates them.
  double rows_of(const Component& a, const Component& b, bool& connected) const {
    size_t equalities = 0, others = 0;
    for (const JoinCondition& condition : conditions_) {
      if (!applies(condition, a, b)) continue;
      ++(condition.equality ? equalities : others);
      connected = connected || ((condition.inputs & a.inputs) != 0 && (condition.inputs & b.inputs) != 0);
    }
    return estimate_join(a.rows, b.rows, equalities, others);
  }

  /// Two components and what to expect of joining them.
  struct Pair {
    size_t a = 0, b = 0;
    double rows = 0;
    bool connected = false;
    double kept_rows = 0;  ///< of the smaller side
    int inputs = 0;

    bool is_large_product() const { return !connected && rows > kProductRowsMax; }
    bool better_than(const Pair& other) const {
      if (connected != other.connected) return connected;
      if (is_large_product() != other.is_large_product()) return !is_large_product();
      if (!is_large_product()) return rows < other.rows;
      return kept_rows != other.kept_rows ? kept_rows < other.kept_rows : inputs > other.inputs;
    }
  };

  Pair pair_of(size_t a, size_t b) const {
    Pair pair{.a = a, .b = b};
    pair.rows = rows_of(parts_[a], parts_[b], pair.connected);
    pair.kept_rows = std::min(parts_[a].rows, parts_[b].rows);
    pair.inputs = std::popcount(parts_[a].inputs | parts_[b].inputs);
    return pair;
  }

  void merge_best() {
    Pair best = pair_of(0, 1);
    for (size_t a = 0; a < parts_.size(); ++a) {
      for (size_t b = a + 1; b < parts_.size(); ++b) {
        const Pair pair = pair_of(a, b);
        if (pair.better_than(best)) best = pair;
      }
    }
    merge(best.a, best.b, best.rows);
  }

  void merge(size_t a, size_t b, double rows) {
    Component left = std::move(parts_[a]), right = std::move(parts_[b]);
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(b));
    if (left.rows * kSwapFactor < right.rows) std::swap(left, right);
    Component joined;
    joined.inputs = left.inputs | right.inputs;
    joined.rows = std::max(1.0, rows);
    joined.columns = left.columns;
    joined.columns.insert(joined.columns.end(), right.columns.begin(), right.columns.end());
    std::vector<int> places(columns_.size(), -1);
    for (size_t i = 0; i < joined.columns.size(); ++i) {
      places[static_cast<size_t>(joined.columns[i])] = static_cast<int>(i);
    }
    Conjuncts conjuncts;
    for (JoinCondition& condition : conditions_) {
      if (!applies(condition, left, right)) continue;
      remap_columns(*condition.expression, places);
      conjuncts.push_back(std::move(condition.expression));
    }
    joined.plan = make_join(JoinType::kInner, std::move(left.plan), std::move(right.plan),
                            std::move(conjuncts));
    parts_[a] = std::move(joined);
  }

  PlanPtr finish(size_t columns) {
    Component& whole = parts_[0];
    std::vector<int> places(columns);
    bool same = true;
    for (size_t i = 0; i < whole.columns.size(); ++i) {
      places[static_cast<size_t>(whole.columns[i])] = static_cast<int>(i);
      same = same && whole.columns[i] == static_cast<int>(i);
    }
    return same ? std::move(whole.plan) : project_columns(std::move(whole.plan), places);
  }

  std::vector<Component> parts_;
  std::vector<JoinCondition> conditions_;
  std::vector<OutputColumn> columns_;
  std::vector<uint64_t> input_of_;
  int next_column_ = 0;
};

Status order_inputs(PlanPtr& plan, bool inside_join) {
  RETURN_IF_ERROR(check_stack_depth());
  const bool inner = plan->kind == PlanNode::Kind::kJoin && plan->join_type == JoinType::kInner;
  for (PlanPtr& child : plan->children) RETURN_IF_ERROR(order_inputs(child, inner));
  return inner && !inside_join ? JoinOrder::run(plan) : Status();
}

}  // namespace

Status order_joins(PlanPtr& plan) { return order_inputs(plan, false); }

}  // namespace eventd::engine
