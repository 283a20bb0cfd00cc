// Operators for LIMIT and OFFSET.
#include <algorithm>

#include "engine/exec/physical_plan.h"

namespace eventd::engine {

Result<std::optional<uint64_t>> PhysicalPlanner::row_count(const Expr* expression, bool is_limit) const {
  if (expression == nullptr) return std::optional<uint64_t>();
  ASSIGN_OR_RETURN(const Datum value, evaluate_constant(*expression, *context_.eval));
  if (value.is_null()) return std::optional<uint64_t>();
  const auto* count = std::get_if<int64_t>(&value.value());
  if (count == nullptr) return Status(sqlstate::kDatatypeMismatch, "LIMIT and OFFSET take a bigint");
  if (*count < 0) {
    return is_limit ? Status(sqlstate::kInvalidRowCountInLimit, "LIMIT must not be negative")
                    : Status(sqlstate::kInvalidRowCountInOffset, "OFFSET must not be negative");
  }
  return std::optional<uint64_t>(static_cast<uint64_t>(*count));
}

Result<BatchSourcePtr> PhysicalPlanner::build_limit(const PlanNode& plan, PhysicalNode& node) {
  ASSIGN_OR_RETURN(const std::optional<uint64_t> limit, row_count(plan.limit.get(), true));
  ASSIGN_OR_RETURN(const std::optional<uint64_t> offset, row_count(plan.offset.get(), false));
  node.name = "Limit";
  node.children.push_back(std::make_unique<PhysicalNode>());
  PhysicalNode& child_node = *node.children.back();
  const bool ties = plan.with_ties && limit;
  Bound bound;
  // Both are below 2^63: the sum cannot wrap.
  if (limit && !ties) bound = *limit + offset.value_or(0);
  ASSIGN_OR_RETURN(BatchSourcePtr child, build(*plan.children[0], child_node, bound));
  std::shared_ptr<const SortOrder> order;
  if (ties) {
    // The order is that of the sort below, whose keys are over the same columns.
    const PlanNode& sort = *plan.children[0];
    if (sort.kind != PlanNode::Kind::kSort) {
      return Status(sqlstate::kFeatureNotSupported, "WITH TIES over this ORDER BY is not supported");
    }
    ASSIGN_OR_RETURN(order, SortOrder::compile(sort.sort_keys, *context_.eval));
  }
  node.rows = child_node.rows;
  if (limit) node.rows = std::min(node.rows, static_cast<double>(*limit));
  node.time_us = child_node.time_us;
  return BatchSourcePtr(std::make_unique<LimitOperator>(context_, stats_of(node), std::move(child), limit,
                                                        offset.value_or(0), std::move(order)));
}

}  // namespace eventd::engine
