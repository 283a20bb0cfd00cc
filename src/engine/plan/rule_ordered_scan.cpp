#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

/// Rows a LIMIT with OFFSET needs; nullopt when not a constant or endless.
std::optional<uint64_t> rows_needed(const PlanNode& limit) {
  const auto count = [](const ExprPtr& expression) -> std::optional<uint64_t> {
    if (expression == nullptr) return 0;
    if (expression->kind != Expr::Kind::kConstant || expression->constant.is_null()) {
      return std::nullopt;
    }
    const int64_t value = expression->constant.as<int64_t>();
    if (value < 0) return std::nullopt;
    return static_cast<uint64_t>(value);
  };
  if (limit.limit == nullptr || limit.with_ties) return std::nullopt;
  const std::optional<uint64_t> rows = count(limit.limit);
  const std::optional<uint64_t> skipped = count(limit.offset);
  if (!rows.has_value() || !skipped.has_value()) return std::nullopt;
  return *rows + *skipped;
}

/// Under a LIMIT: follows the only sort key down to a scan's order column.
void order_scan(const PlanNode& limit, PlanNode& sort) {
  if (sort.sort_keys.size() != 1 || sort.sort_keys[0].eql_order) return;
  const Expr* key = sort.sort_keys[0].expression.get();
  PlanNode* node = sort.children[0].get();
  bool filtered = false;
  while (node->kind == PlanNode::Kind::kProject || node->kind == PlanNode::Kind::kFilter) {
    if (key->kind != Expr::Kind::kColumn) return;
    filtered |= node->kind == PlanNode::Kind::kFilter;
    if (node->kind == PlanNode::Kind::kProject) {
      key = node->expressions[static_cast<size_t>(key->index)].get();
    }
    node = node->children[0].get();
  }
  if (node->kind != PlanNode::Kind::kScan || key->kind != Expr::Kind::kColumn) return;
  const ScanColumn& column = node->scan_columns[static_cast<size_t>(key->index)];
  if (column.extract != ScanColumn::Extract::kNone || node->relation->order_column() < 0 ||
      column.column != node->relation->order_column()) {
    return;
  }
  const std::optional<uint64_t> rows = rows_needed(limit);
  if (!rows.has_value()) return;
  node->scan_order = ScanOrder{column.column, sort.sort_keys[0].descending};
  // A prune-only predicate has its filter above, so `filtered` covers it.
  if (!filtered) node->scan_partition_limit = rows;
}

}  // namespace

void order_scans(PlanNode& plan) {
  if (plan.kind == PlanNode::Kind::kLimit && plan.children[0]->kind == PlanNode::Kind::kSort) {
    order_scan(plan, *plan.children[0]);
  }
  for (PlanPtr& child : plan.children) order_scans(*child);
}

}  // namespace eventd::engine
