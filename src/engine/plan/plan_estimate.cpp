#include "engine/plan/plan_estimate.h"

#include <algorithm>
#include <cmath>

#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {
namespace {

using NodeKind = PlanNode::Kind;

/// Groups of that many rows, as PostgreSQL guesses without statistics.
constexpr double kGroupShare = 0.1;
constexpr double kFunctionRows = 1'000;

size_t conjunct_count(const Expr& condition) {
  return condition.kind == Expr::Kind::kAnd ? condition.children.size() : 1;
}

double scan_rows(const PlanNode& scan) {
  ScanRequest request;
  request.columns = scan.scan_columns;
  request.predicates = scan.scan_predicates;
  return scan.relation->estimate(request).rows;
}

double join_rows(const PlanNode& join) {
  const double left = estimate_rows(*join.children[0]), right = estimate_rows(*join.children[1]);
  size_t equalities = 0, all = 0;
  if (join.condition != nullptr) {
    all = conjunct_count(*join.condition);
    if (join.condition->kind == Expr::Kind::kAnd) {
      equalities = static_cast<size_t>(
          std::count_if(join.condition->children.begin(), join.condition->children.end(),
                        [](const ExprPtr& child) { return is_equality(*child); }));
    } else if (is_equality(*join.condition)) {
      equalities = 1;
    }
  }
  const double inner = estimate_join(left, right, equalities, all - equalities);
  switch (join.join_type) {
    case JoinType::kInner: return inner;
    case JoinType::kLeft: return std::max(left, inner);
    case JoinType::kRight: return std::max(right, inner);
    case JoinType::kFull: return std::max({left, right, inner});
    case JoinType::kSemi:
    case JoinType::kAnti: return left * 0.5;
  }
  return inner;
}

double limit_rows(const PlanNode& limit) {
  const double rows = estimate_rows(*limit.children[0]);
  if (limit.limit == nullptr || limit.limit->kind != Expr::Kind::kConstant ||
      limit.limit->constant.is_null()) {
    return rows;
  }
  return std::min(rows, static_cast<double>(limit.limit->constant.as<int64_t>()));
}

double rows_of(const PlanNode& plan) {
  const auto child = [&](size_t i) { return estimate_rows(*plan.children[i]); };
  switch (plan.kind) {
    case NodeKind::kScan: return scan_rows(plan);
    case NodeKind::kValues: return static_cast<double>(plan.rows.size());
    case NodeKind::kFilter:
      return child(0) * std::pow(kConditionShare,
                                 static_cast<double>(std::min<size_t>(
                                     conjunct_count(*plan.condition), 4)));
    case NodeKind::kAggregate: return plan.group_by.empty() ? 1 : child(0) * kGroupShare;
    case NodeKind::kDistinct:
    case NodeKind::kDistinctOn: return child(0) * kGroupShare;
    case NodeKind::kLimit: return limit_rows(plan);
    case NodeKind::kTableFunction: return kFunctionRows;
    case NodeKind::kAppend: {
      double rows = 0;
      for (size_t i = 0; i < plan.children.size(); ++i) rows += child(i);
      return rows;
    }
    case NodeKind::kJoin: return join_rows(plan);
    case NodeKind::kApply: return child(0) * child(1);
    case NodeKind::kGapFill:
    case NodeKind::kProjectSet: return child(0) * 10;
    case NodeKind::kSetOperation: return child(0);
    case NodeKind::kRecursiveUnion: return child(0) * 10;
    case NodeKind::kWorkingTable:
    case NodeKind::kCteScan: return kFunctionRows;
    case NodeKind::kProject:
    case NodeKind::kSort:
    case NodeKind::kWindow: return child(0);
    case NodeKind::kWith: return child(plan.children.size() - 1);
  }
  return 1;
}

}  // namespace

double estimate_join(double left, double right, size_t equalities, size_t others) {
  double rows = left * right;
  if (equalities > 0) {
    rows = std::max(left, right) *
           std::pow(0.1, static_cast<double>(std::min<size_t>(equalities - 1, 3)));
  }
  return rows * std::pow(kConditionShare, static_cast<double>(std::min<size_t>(others, 4)));
}

double estimate_rows(const PlanNode& plan) {
  return is_empty(plan) ? 0 : std::max(1.0, rows_of(plan));
}

}  // namespace eventd::engine
