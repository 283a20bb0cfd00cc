// What to expect of a plan before it is built: which side of a join to keep, whether a query is
// short.
#include <algorithm>

#include "engine/exec/join_keys.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/physical_plan.h"

namespace eventd::engine {

namespace {

constexpr double kUnknownRows = 1000;

}  // namespace

PhysicalPlanner::Expected PhysicalPlanner::expected(const PlanNode& plan) {
  const auto known = expected_.find(&plan);
  if (known != expected_.end()) return known->second;
  const Expected result = expected_of(plan);
  expected_.emplace(&plan, result);
  return result;
}

double join_rows(JoinType type, const JoinCondition& condition, double left, double right) {
  double rows = condition.keys.empty() ? left * right : std::max(left, right);
  if (condition.residual != nullptr) rows *= kFilterShare;
  switch (type) {
    case JoinType::kInner: return std::max(1.0, rows);
    case JoinType::kLeft: return std::max(rows, left);
    case JoinType::kRight: return std::max(rows, right);
    case JoinType::kFull: return std::max(rows, left + right);
    case JoinType::kSemi:
    case JoinType::kAnti: return std::max(1.0, left / 2);
  }
  return rows;
}

double join_time_us(const JoinCondition& condition, double left, double right, double rows) {
  if (condition.keys.empty()) return left * right * kPairUs + rows * kEvaluateUs;
  return (left + right) * kJoinUs + rows * kEvaluateUs;
}

double set_calls_time_us(const PlanNode& plan, double rows) {
  double time = kSetCallUs;
  for (const SetCall& call : plan.set_calls) {
    // The others give no more than lies in their arguments.
    if (call.function == nullptr || call.function->name != "generate_series") continue;
    time += table_function_rows(call.arguments) * kEvaluateUs;
  }
  return rows * time;
}

PhysicalPlanner::Expected PhysicalPlanner::expected_of(const PlanNode& plan) {
  using Kind = PlanNode::Kind;
  std::vector<Expected> below;
  double time = 0;
  for (const PlanPtr& child : plan.children) {
    below.push_back(expected(*child));
    time += below.back().time_us;
  }
  const double rows = below.empty() ? 1 : below[0].rows;
  switch (plan.kind) {
    case Kind::kScan: {
      const ScanEstimate estimate = plan.relation->estimate(scan_request(plan));
      return {estimate.rows, estimate.time_us};
    }
    case Kind::kValues: return {static_cast<double>(plan.rows.size()), static_cast<double>(plan.rows.size())};
    case Kind::kTableFunction: {
      const double made = table_function_rows(plan.expressions);
      return {made, made * kEvaluateUs};
    }
    case Kind::kFilter: return {std::max(1.0, rows * kFilterShare), time + rows * kEvaluateUs};
    case Kind::kAggregate:
      return {plan.group_by.empty() ? 1 : std::min(rows, kGroupsExpected), time + rows * kGroupUs};
    case Kind::kDistinct:
    case Kind::kDistinctOn: return {std::min(rows, kGroupsExpected), time + rows * kGroupUs};
    case Kind::kSort:
    case Kind::kWindow: return {rows, time + rows * kSortUs};
    case Kind::kLimit: {
      double limit = rows;
      if (plan.limit != nullptr && plan.limit->kind == Expr::Kind::kConstant && !plan.limit->constant.is_null()) {
        if (const auto* count = std::get_if<int64_t>(&plan.limit->constant.value())) {
          limit = static_cast<double>(*count);
        }
      }
      return {std::min(rows, limit), time};
    }
    case Kind::kJoin: {
      const JoinCondition condition =
          split_join_condition(plan.condition.get(), static_cast<int>(plan.children[0]->columns.size()));
      const double joined = join_rows(plan.join_type, condition, rows, below[1].rows);
      return {joined, time + join_time_us(condition, rows, below[1].rows, joined)};
    }
    case Kind::kApply:
      return {rows * std::max(1.0, below[1].rows), below[0].time_us + rows * (below[1].time_us + kRunUs)};
    case Kind::kGapFill: return {rows * kSetRowsExpected, time + rows * (kSortUs + kSetCallUs)};
    case Kind::kProjectSet: return {rows * kSetRowsExpected, time + set_calls_time_us(plan, rows)};
    case Kind::kAppend:
    case Kind::kSetOperation: {
      double all = 0;
      for (const Expected& child : below) all += child.rows;
      return {all, time + (plan.kind == Kind::kAppend ? 0 : all * kGroupUs)};
    }
    case Kind::kRecursiveUnion: return {rows + kUnknownRows, time + kUnknownTimeUs};
    case Kind::kWith: return {below.back().rows, time};
    case Kind::kWorkingTable:
    case Kind::kCteScan: return {kUnknownRows, kUnknownRows * kEvaluateUs};
    case Kind::kProject: return {rows, time + rows * kEvaluateUs};
  }
  return {rows, time};
}

}  // namespace eventd::engine
