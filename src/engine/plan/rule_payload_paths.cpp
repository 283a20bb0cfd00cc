#include <algorithm>

#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

/// A path to be extracted from column `column`.
struct PayloadPath {
  int column = 0;
  bool as_text = false;
  std::vector<std::string> keys;
};

/// A key that is a number means an array element in a path, but a field to `->`.
bool is_array_index(std::string_view key) {
  if (key.starts_with('-')) key.remove_prefix(1);
  return !key.empty() &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// column->'a'->…->>'z'. False: something else.
bool match(const Expr& expression, PayloadPath& path) {
  const Expr* node = &expression;
  bool last = true;
  while (node->kind == Expr::Kind::kCall && node->children.size() == 2) {
    const std::string_view name = node->function->name;
    const bool text = name == "jsonb_object_field_text";
    if (!(text && last) && name != "jsonb_object_field") return false;
    const Expr& key = *node->children[1];
    if (key.kind != Expr::Kind::kConstant || key.type.id != oid::kText ||
        key.constant.is_null() || is_array_index(key.constant.bytes())) {
      return false;
    }
    if (last) path.as_text = text;
    path.keys.emplace_back(key.constant.bytes());
    node = node->children[0].get();
    last = false;
  }
  if (last && node->kind == Expr::Kind::kPayloadPath) {
    path.as_text = node->path_as_text;
    path.keys.assign(node->path.rbegin(), node->path.rend());
    node = node->children[0].get();
  }
  if (path.keys.empty() || node->kind != Expr::Kind::kColumn || node->type.id != oid::kJsonb) {
    return false;
  }
  path.column = node->index;
  std::reverse(path.keys.begin(), path.keys.end());
  return true;
}

/// The scan whose columns the node's output starts with, through nodes that pass columns on.
PlanNode* scan_below(PlanNode& node) {
  switch (node.kind) {
    case PlanNode::Kind::kScan: return &node;
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kLimit: return scan_below(*node.children[0]);
    default: return nullptr;
  }
}

/// Index of the extracted column in the output of `child`, added to it and all below when new.
int add_extraction(PlanNode& child, PlanNode& scan, const PayloadPath& path) {
  const ScanColumn& source = scan.scan_columns[static_cast<size_t>(path.column)];
  ScanColumn wanted;
  wanted.column = source.column;
  wanted.extract = path.as_text ? ScanColumn::Extract::kText : ScanColumn::Extract::kJson;
  wanted.path = path.keys;
  wanted.type = {path.as_text ? oid::kText : oid::kJsonb, -1};
  const auto found = std::find(scan.scan_columns.begin(), scan.scan_columns.end(), wanted);
  if (found != scan.scan_columns.end()) {
    return static_cast<int>(found - scan.scan_columns.begin());
  }
  const OutputColumn column{path.keys.back(), wanted.type, 0, 0};
  scan.scan_columns.push_back(std::move(wanted));
  for (PlanNode* node = &child;; node = node->children[0].get()) {
    node->columns.push_back(column);
    if (node == &scan) break;
  }
  return static_cast<int>(scan.scan_columns.size() - 1);
}

void rewrite(ExprPtr& expression, PlanNode& child, PlanNode& scan) {
  PayloadPath path;
  if (match(*expression, path)) {
    const ScanColumn& source = scan.scan_columns[static_cast<size_t>(path.column)];
    if (source.extract == ScanColumn::Extract::kNone) {
      const int position = expression->position;
      const int index = add_extraction(child, scan, path);
      expression = Expr::column(index, child.columns[static_cast<size_t>(index)].type);
      expression->position = position;
      return;
    }
  }
  for (ExprPtr& part : expression->children) rewrite(part, child, scan);
}

/// Whether what is added to the child's columns leaves those of the node where they are.
bool may_widen_child(const PlanNode& node) {
  switch (node.kind) {
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kProject:
    case PlanNode::Kind::kAggregate:
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kLimit: return true;
    default: return false;
  }
}

void extract(PlanNode& node) {
  if (may_widen_child(node)) {
    PlanNode& child = *node.children[0];
    if (PlanNode* scan = scan_below(child)) {
      for_each_expression(node, [&](ExprPtr& expression) { rewrite(expression, child, *scan); });
    }
  }
  for (PlanPtr& child : node.children) extract(*child);
}

/// Nodes that pass columns on got wider only at their scan's end: bring them in line.
void align_columns(PlanNode& node) {
  for (PlanPtr& child : node.children) align_columns(*child);
  if (node.kind == PlanNode::Kind::kFilter || node.kind == PlanNode::Kind::kSort ||
      node.kind == PlanNode::Kind::kLimit) {
    const std::vector<OutputColumn>& below = node.children[0]->columns;
    for (size_t i = node.columns.size(); i < below.size(); ++i) node.columns.push_back(below[i]);
  }
}

}  // namespace

void extract_payload_paths(PlanNode& plan) {
  // A plan that ends in passing nodes over a scan would grow its own output.
  if (scan_below(plan) != nullptr) return;
  extract(plan);
  align_columns(plan);
}

}  // namespace eventd::engine
