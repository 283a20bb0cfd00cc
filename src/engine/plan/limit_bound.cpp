#include "engine/plan/limit_bound.h"

#include <limits>

namespace eventd::engine {

std::optional<uint64_t> rows_needed(const PlanNode& limit) {
  const auto count = [](const ExprPtr& expression) -> std::optional<uint64_t> {
    if (expression == nullptr) return 0;
    if (expression->kind != Expr::Kind::kConstant) return std::nullopt;
    if (expression->constant.is_null()) return 0;
    const int64_t value = expression->constant.as<int64_t>();
    if (value < 0) return std::nullopt;
    return static_cast<uint64_t>(value);
  };
  if (limit.limit == nullptr || limit.with_ties) return std::nullopt;
  if (limit.limit->kind == Expr::Kind::kConstant && limit.limit->constant.is_null()) {
    return std::nullopt;
  }
  const std::optional<uint64_t> rows = count(limit.limit), skipped = count(limit.offset);
  if (!rows.has_value() || !skipped.has_value()) return std::nullopt;
  const uint64_t all = *rows + *skipped;
  if (all > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return all;
}

PlanPtr limited(PlanPtr plan, uint64_t rows, bool with_ties) {
  auto limit = std::make_unique<PlanNode>(PlanNode::Kind::kLimit);
  limit->columns = plan->columns;
  limit->limit = Expr::constant_of(Datum::int8(static_cast<int64_t>(rows)), {oid::kInt8, -1});
  limit->with_ties = with_ties;
  limit->children.push_back(std::move(plan));
  return limit;
}

}  // namespace eventd::engine
