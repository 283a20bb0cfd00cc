#include "engine/plan/limit_bound.h"
#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

/// The scan of whose order column the sort's first key is, with only projections and filters
/// between.
PlanNode* ordered_scan_below(PlanNode& sort, bool& filtered) {
  if (sort.sort_keys[0].eql_order) return nullptr;
  const Expr* key = sort.sort_keys[0].expression.get();
  PlanNode* node = sort.children[0].get();
  while (node->kind == PlanNode::Kind::kProject || node->kind == PlanNode::Kind::kFilter) {
    if (key->kind != Expr::Kind::kColumn) return nullptr;
    filtered |= node->kind == PlanNode::Kind::kFilter;
    if (node->kind == PlanNode::Kind::kProject) {
      key = node->expressions[static_cast<size_t>(key->index)].get();
    }
    node = node->children[0].get();
  }
  if (node->kind != PlanNode::Kind::kScan || key->kind != Expr::Kind::kColumn) return nullptr;
  const ScanColumn& column = node->scan_columns[static_cast<size_t>(key->index)];
  const bool ordered = column.extract == ScanColumn::Extract::kNone &&
                       node->relation->order_column() >= 0 &&
                       column.column == node->relation->order_column();
  return ordered ? node : nullptr;
}

/// Under a LIMIT: the scan gives the order of the first key. Further keys order the rows that are
/// equal in it: of those the last ones are read whole, and few are sorted.
void order_scan(const PlanNode& limit, PlanNode& sort) {
  const std::optional<uint64_t> rows = rows_needed(limit);
  if (!rows.has_value() || *rows == 0) return;
  bool filtered = false;
  PlanNode* scan = ordered_scan_below(sort, filtered);
  if (scan == nullptr) return;
  const SortKey& first = sort.sort_keys[0];
  scan->scan_order = ScanOrder{scan->relation->order_column(), first.descending};
  if (sort.sort_keys.size() == 1) {
    // A prune-only predicate has its filter above, so `filtered` covers it.
    if (!filtered) scan->scan_partition_limit = rows;
    return;
  }
  auto inner = std::make_unique<PlanNode>(PlanNode::Kind::kSort);
  inner->columns = sort.children[0]->columns;
  inner->sort_keys.push_back(
      {first.expression->clone(), first.descending, first.nulls_first, first.eql_order});
  inner->children.push_back(std::move(sort.children[0]));
  sort.children[0] = limited(std::move(inner), *rows, true);
}

}  // namespace

void order_scans(PlanNode& plan) {
  if (plan.kind == PlanNode::Kind::kLimit && plan.children[0]->kind == PlanNode::Kind::kSort) {
    order_scan(plan, *plan.children[0]);
  }
  for (PlanPtr& child : plan.children) order_scans(*child);
}

}  // namespace eventd::engine
