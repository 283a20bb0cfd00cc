#include <algorithm>

#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {
namespace {

/// A path to be extracted from column `column`.
struct PayloadPath {
  int column = 0;
  bool as_text = false;
  std::vector<std::string> keys;
  bool operator==(const PayloadPath&) const = default;
};

/// Paths wanted of a node's output. What it answers: where its old columns are now, and each path's
/// column, -1 = not there.
using Wanted = std::vector<PayloadPath>;
struct Widened {
  std::vector<int> columns;
  std::vector<int> paths;
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

Type type_of(const PayloadPath& path) {
  return {path.as_text ? oid::kText : oid::kJsonb, -1};
}

std::vector<int> unchanged_mapping(size_t size) {
  std::vector<int> mapping(size);
  for (size_t i = 0; i < size; ++i) mapping[i] = static_cast<int>(i);
  return mapping;
}

void collect(const Expr& expression, Wanted& wanted) {
  PayloadPath path;
  if (match(expression, path)) {
    if (std::find(wanted.begin(), wanted.end(), path) == wanted.end()) {
      wanted.push_back(std::move(path));
    }
    return;
  }
  for (const ExprPtr& child : expression.children) collect(*child, wanted);
}

/// Columns and paths are now where `widened` says.
void rewrite(ExprPtr& expression, const Wanted& wanted, const Widened& widened) {
  PayloadPath path;
  if (match(*expression, path)) {
    const auto found = std::find(wanted.begin(), wanted.end(), path);
    // Below a path that is not a column stands a shorter one nobody asked for.
    const int index =
        found == wanted.end() ? -1 : widened.paths[static_cast<size_t>(found - wanted.begin())];
    if (index >= 0) {
      const int position = expression->position;
      expression = Expr::column(index, type_of(path));
      expression->position = position;
      return;
    }
  }
  if (expression->kind == Expr::Kind::kColumn) {
    expression->index = widened.columns[static_cast<size_t>(expression->index)];
    return;
  }
  for (ExprPtr& child : expression->children) rewrite(child, wanted, widened);
}

Widened extract(PlanNode& node, const Wanted& wanted);

/// Paths the node reads of its child, after those asked of it.
void collect_own(PlanNode& node, Wanted& wanted) {
  for_each_expression(node, [&](ExprPtr& expression) { collect(*expression, wanted); });
}
void rewrite_own(PlanNode& node, const Wanted& wanted, const Widened& widened) {
  for_each_expression(node,
                      [&](ExprPtr& expression) { rewrite(expression, wanted, widened); });
}

Widened refuse(const PlanNode& node, const Wanted& wanted) {
  return {unchanged_mapping(node.columns.size()), std::vector<int>(wanted.size(), -1)};
}

Widened extract_from_scan(PlanNode& scan, const Wanted& wanted) {
  Widened out = refuse(scan, {});
  for (const PayloadPath& path : wanted) {
    const ScanColumn& source = scan.scan_columns[static_cast<size_t>(path.column)];
    if (source.extract != ScanColumn::Extract::kNone) {
      out.paths.push_back(-1);
      continue;
    }
    ScanColumn column;
    column.column = source.column;
    column.extract = path.as_text ? ScanColumn::Extract::kText : ScanColumn::Extract::kJson;
    column.path = path.keys;
    column.type = type_of(path);
    const auto found = std::find(scan.scan_columns.begin(), scan.scan_columns.end(), column);
    out.paths.push_back(static_cast<int>(found - scan.scan_columns.begin()));
    if (found != scan.scan_columns.end()) continue;
    scan.columns.push_back({path.keys.back(), column.type, 0, 0});
    scan.scan_columns.push_back(std::move(column));
  }
  return out;
}

/// A projection passes a path on if it passes the column on.
Widened extract_through_project(PlanNode& project, const Wanted& wanted) {
  Wanted below;
  std::vector<size_t> asked(wanted.size(), 0);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Expr& source = *project.expressions[static_cast<size_t>(wanted[i].column)];
    asked[i] = std::string::npos;
    if (source.kind != Expr::Kind::kColumn) continue;
    PayloadPath path = wanted[i];
    path.column = source.index;
    const auto found = std::find(below.begin(), below.end(), path);
    asked[i] = static_cast<size_t>(found - below.begin());
    if (found == below.end()) below.push_back(std::move(path));
  }
  collect_own(project, below);
  const Widened widened = extract(*project.children[0], below);
  Widened out = refuse(project, wanted);
  rewrite_own(project, below, widened);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (asked[i] == std::string::npos || widened.paths[asked[i]] < 0) continue;
    out.paths[i] = static_cast<int>(project.columns.size());
    project.columns.push_back({wanted[i].keys.back(), type_of(wanted[i]), 0, 0});
    project.expressions.push_back(Expr::column(widened.paths[asked[i]], type_of(wanted[i])));
  }
  return out;
}

/// Nodes whose columns are those of the child, perhaps with others after them.
Widened extract_through(PlanNode& node, Wanted wanted) {
  const size_t asked = wanted.size(), old_child = node.children[0]->columns.size();
  // Paths into the node's own columns are not the child's.
  std::vector<bool> own(asked, false);
  Wanted below;
  std::vector<size_t> places(asked, 0);
  for (size_t i = 0; i < asked; ++i) {
    own[i] = static_cast<size_t>(wanted[i].column) >= old_child;
    if (own[i]) continue;
    places[i] = below.size();
    below.push_back(wanted[i]);
  }
  collect_own(node, below);
  const Widened widened = extract(*node.children[0], below);
  rewrite_own(node, below, widened);
  std::vector<OutputColumn> columns = node.children[0]->columns;
  const int shift = static_cast<int>(columns.size() - old_child);
  Widened out;
  out.columns = widened.columns;
  for (size_t i = old_child; i < node.columns.size(); ++i) {
    out.columns.push_back(static_cast<int>(i) + shift);
    columns.push_back(std::move(node.columns[i]));
  }
  node.columns = std::move(columns);
  for (size_t i = 0; i < asked; ++i) {
    out.paths.push_back(own[i] ? -1 : widened.paths[places[i]]);
  }
  return out;
}

Widened extract_through_join(PlanNode& join, const Wanted& asked) {
  const bool left_only = join.kind == PlanNode::Kind::kJoin &&
                         (join.join_type == JoinType::kSemi || join.join_type == JoinType::kAnti);
  Wanted wanted = asked;
  collect_own(join, wanted);
  const int old_left = static_cast<int>(join.children[0]->columns.size());
  Wanted sides[2];
  std::vector<size_t> places;
  for (const PayloadPath& path : wanted) {
    Wanted& side = sides[path.column < old_left ? 0 : 1];
    places.push_back(side.size());
    side.push_back(path);
    if (path.column >= old_left) side.back().column -= old_left;
  }
  const Widened left = extract(*join.children[0], sides[0]);
  const Widened right = extract(*join.children[1], sides[1]);
  const int new_left = static_cast<int>(join.children[0]->columns.size());
  Widened all;
  all.columns = left.columns;
  for (const int index : right.columns) all.columns.push_back(index + new_left);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool from_left = wanted[i].column < old_left;
    const int index = (from_left ? left : right).paths[places[i]];
    all.paths.push_back(index < 0 || from_left ? index : index + new_left);
  }
  rewrite_own(join, wanted, all);
  join.columns = join.children[0]->columns;
  if (left_only) {
    all.columns.resize(static_cast<size_t>(old_left));
  } else {
    const std::vector<OutputColumn>& columns = join.children[1]->columns;
    join.columns.insert(join.columns.end(), columns.begin(), columns.end());
  }
  all.paths.resize(asked.size());
  return all;
}

/// Nodes with columns of their own over one child.
Widened extract_below(PlanNode& node, const Wanted& wanted) {
  Widened out = refuse(node, wanted);
  Wanted own;
  collect_own(node, own);
  rewrite_own(node, own, extract(*node.children[0], own));
  return out;
}

/// Paths that come to be known only below have no place in the output of UNION ALL's other
/// children, nor of nodes that compare whole rows: those keep their columns.
Widened extract_fixed(PlanNode& node, const Wanted& wanted) {
  for (PlanPtr& child : node.children) {
    const size_t columns = child->columns.size();
    const Widened widened = extract(*child, {});
    if (child->columns.size() != columns) {
      child = project_columns(std::move(child), widened.columns);
    }
  }
  return refuse(node, wanted);
}

/// Every child has to deliver all of them.
Widened extract_through_append(PlanNode& append, const Wanted& wanted) {
  if (wanted.empty()) return extract_fixed(append, wanted);
  for (PlanPtr& child : append.children) {
    const size_t columns = child->columns.size();
    const Widened widened = extract(*child, wanted);
    auto project = std::make_unique<PlanNode>(PlanNode::Kind::kProject);
    for (size_t i = 0; i < columns; ++i) {
      project->columns.push_back(append.columns[i]);
      project->expressions.push_back(column_of(*child, widened.columns[i]));
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      const PayloadPath& path = wanted[i];
      ExprPtr value;
      if (widened.paths[i] >= 0) {
        value = Expr::column(widened.paths[i], type_of(path));
      } else {
        value = std::make_unique<Expr>();
        value->kind = Expr::Kind::kPayloadPath;
        value->type = type_of(path);
        value->path = path.keys;
        value->path_as_text = path.as_text;
        value->children.push_back(
            column_of(*child, widened.columns[static_cast<size_t>(path.column)]));
      }
      project->columns.push_back({path.keys.back(), type_of(path), 0, 0});
      project->expressions.push_back(std::move(value));
    }
    project->children.push_back(std::move(child));
    child = std::move(project);
  }
  Widened out = refuse(append, {});
  for (const PayloadPath& path : wanted) {
    out.paths.push_back(static_cast<int>(append.columns.size()));
    append.columns.push_back({path.keys.back(), type_of(path), 0, 0});
  }
  return out;
}

Widened extract(PlanNode& node, const Wanted& wanted) {
  switch (node.kind) {
    case PlanNode::Kind::kScan: return extract_from_scan(node, wanted);
    case PlanNode::Kind::kProject: return extract_through_project(node, wanted);
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kLimit:
    case PlanNode::Kind::kDistinctOn:
    case PlanNode::Kind::kWindow:
    case PlanNode::Kind::kProjectSet: return extract_through(node, wanted);
    case PlanNode::Kind::kJoin:
    case PlanNode::Kind::kApply: return extract_through_join(node, wanted);
    case PlanNode::Kind::kAggregate: return extract_below(node, wanted);
    case PlanNode::Kind::kAppend: return extract_through_append(node, wanted);
    default: return extract_fixed(node, wanted);
  }
}

}  // namespace

void extract_payload_paths(PlanPtr& plan) {
  const size_t columns = plan->columns.size();
  const Widened widened = extract(*plan, {});
  if (plan->columns.size() == columns) return;
  plan = project_columns(std::move(plan), widened.columns);
}

}  // namespace eventd::engine
