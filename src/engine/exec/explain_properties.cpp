#include "engine/exec/explain_properties.h"

#include <string_view>

#include "engine/exec/expr_to_sql.h"
#include "engine/plan/plan_rewrite.h"

namespace eventd::engine {

namespace {

using NodeKind = PlanNode::Kind;

const char* join_word(JoinType type) {
  switch (type) {
    case JoinType::kInner: return "Inner";
    case JoinType::kLeft: return "Left";
    case JoinType::kRight: return "Right";
    case JoinType::kFull: return "Full";
    case JoinType::kSemi: return "Semi";
    case JoinType::kAnti: return "Anti";
  }
  return "Inner";
}

/// PostgreSQL names the type as seen from the outer side, which is the one that probes.
JoinType shown_join_type(const PhysicalNode& node) {
  const JoinType type = node.plan->join_type;
  if (!node.build_left) return type;
  if (type == JoinType::kLeft) return JoinType::kRight;
  return type == JoinType::kRight ? JoinType::kLeft : type;
}

bool is_leaf_of_relation(NodeKind kind) {
  return kind == NodeKind::kScan || kind == NodeKind::kCteScan || kind == NodeKind::kWorkingTable || kind == NodeKind::kTableFunction;
}

/// A condition that a hash join finds its pairs by.
bool is_hash_condition(const Expr& condition, int left) {
  if (!is_equality(condition)) return false;
  const int end = 1 << 30;
  const Expr& a = *condition.children[0];
  const Expr& b = *condition.children[1];
  const auto on = [&](const Expr& side, int first, int last) {
    return reads_columns(side, 0, end) && reads_only_columns(side, first, last);
  };
  return (on(a, 0, left) && on(b, left, end)) || (on(b, 0, left) && on(a, left, end));
}

std::string kilobytes(uint64_t bytes, bool json) {
  return std::to_string((bytes + 1023) / 1024) + (json ? "" : "kB");
}

}  // namespace

ExplainTitle explain_title(const PhysicalNode& node, const ExplainOptions& options) {
  ExplainTitle out;
  const PlanNode& plan = *node.plan;
  const std::string name = node.name;
  out.node_type = out.text = name;
  if (plan.kind == NodeKind::kAggregate || plan.kind == NodeKind::kDistinct) {
    const bool plain = plan.kind == NodeKind::kAggregate && plan.group_by.empty() && plan.grouping_sets.empty();
    out.text = plain ? "Aggregate" : name;
    out.node_type = "Aggregate";
    out.strategy = plain ? "Plain" : plan.grouping_sets.empty() ? "Hashed" : "Mixed";
  } else if (plan.kind == NodeKind::kDistinctOn) {
    out.text = out.node_type = "Unique";
  } else if (plan.kind == NodeKind::kJoin || plan.kind == NodeKind::kApply) {
    const JoinType type = shown_join_type(node);
    out.join_type = join_word(type);
    if (type != JoinType::kInner) {
      out.text = (name == "Hash Join" ? "Hash " : name + " ") + out.join_type + " Join";
    }
  } else if (plan.kind == NodeKind::kSetOperation) {
    out.node_type = "SetOp";
    out.strategy = "Hashed";
    out.command = std::string(plan.set_operation == SetOperation::kIntersect ? "Intersect" : "Except") +
                  (plan.set_all ? " All" : "");
    out.text = "HashSetOp " + out.command;
  } else if (name == "Filter") {
    out.text = out.node_type = "Result";
  }
  if (node.helpers > 0) out.text = "Parallel " + out.text;
  if (node.merge) out.text = "Merge Append Scan";
  if (node.keep) out.text += " (top-" + std::to_string(*node.keep) + ")";
  if (is_leaf_of_relation(plan.kind) || (plan.kind == NodeKind::kValues && !plan.columns.empty())) {
    const std::string title = ExplainNames::relation_title(plan, options.verbose);
    if (!title.empty()) out.text += " on " + title;
  }
  return out;
}

std::vector<ExplainProperty> ExplainProperties::of(const std::vector<const PhysicalNode*>& shown,
                                                   const std::vector<QueryNames>& queries) const {
  std::vector<ExplainProperty> out;
  const PhysicalNode& core = *shown.back();
  const PlanNode& plan = *core.plan;
  if (options_.verbose) {
    out.push_back({"Output", {}, false, true, names_.of(*shown.front()->plan)});
  }
  switch (plan.kind) {
    case NodeKind::kScan: add_pushed(plan, out); break;
    case NodeKind::kAggregate:
      if (plan.grouping_sets.empty()) {
        add_keys("Group Key", plan, plan.group_by, out);
      } else {
        add_grouping_sets(plan, out);
      }
      break;
    case NodeKind::kDistinct: out.push_back({"Group Key", {}, false, true, names_.input_of(plan)}); break;
    case NodeKind::kDistinctOn: add_sort_keys(plan, out); break;
    case NodeKind::kSort: add_sort_keys(plan, out); break;
    case NodeKind::kJoin:
    case NodeKind::kApply: add_join_conditions(core, queries.back(), out); break;
    case NodeKind::kTableFunction:
      if (options_.verbose) add_function_call(plan, out);
      break;
    default: break;
  }
  if (core.merge) {
    out.push_back({"Order", plan.relation->columns()[static_cast<size_t>(plan.scan_order->column)].name +
                                (plan.scan_order->descending ? " DESC" : "")});
  }
  for (size_t i = 0; i < shown.size(); ++i) {
    const PlanNode& filter = *shown[i]->plan;
    if (filter.kind != NodeKind::kFilter) continue;
    out.push_back({"Filter", expr_to_sql(*filter.condition, names_.input_of(filter), context_, queries[i])});
    if (options_.analyze) {
      out.push_back({"Rows Removed by Filter", std::to_string(shown[i]->stats.rows_removed.load()), true});
    }
  }
  if (core.helpers > 0) out.push_back({"Workers Planned", std::to_string(core.helpers), true});
  if (options_.analyze) add_measured(core, out);
  return out;
}

void ExplainProperties::add_pushed(const PlanNode& plan, std::vector<ExplainProperty>& out) const {
  if (plan.scan_predicates.empty()) return;
  std::string text;
  for (const ScanPredicate& predicate : plan.scan_predicates) {
    text += (text.empty() ? "" : " AND ") + predicate_to_sql(predicate, *plan.relation, context_);
  }
  if (plan.scan_predicates.size() > 1) text = "(" + text + ")";
  out.push_back({"Scan Cond", text});
}

void ExplainProperties::add_keys(const char* name, const PlanNode& plan, const std::vector<ExprPtr>& keys,
                                 std::vector<ExplainProperty>& out) const {
  if (keys.empty()) return;
  const std::vector<std::string> input = names_.input_of(plan);
  ExplainProperty property{name, {}, false, true, {}};
  for (const ExprPtr& key : keys) property.list.push_back(expr_to_sql(*key, input, context_));
  out.push_back(std::move(property));
}

void ExplainProperties::add_grouping_sets(const PlanNode& plan, std::vector<ExplainProperty>& out) const {
  const std::vector<std::string> input = names_.input_of(plan);
  for (const std::vector<int>& set : plan.grouping_sets) {
    ExplainProperty property{set.empty() ? "Group Key" : "Hash Key", {}, false, true, {}};
    for (const int key : set) {
      property.list.push_back(expr_to_sql(*plan.group_by[static_cast<size_t>(key)], input, context_));
    }
    if (set.empty()) property.list.push_back("()");
    out.push_back(std::move(property));
  }
}

void ExplainProperties::add_sort_keys(const PlanNode& plan, std::vector<ExplainProperty>& out) const {
  const std::vector<std::string> input = names_.input_of(plan);
  ExplainProperty keys{"Sort Key", {}, false, true, {}};
  for (const SortKey& key : plan.sort_keys) {
    std::string text = expr_to_sql(*key.expression, input, context_);
    if (key.descending) text += " DESC";
    if (key.nulls_first != key.descending) text += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    keys.list.push_back(std::move(text));
  }
  out.push_back(std::move(keys));
}

void ExplainProperties::add_join_conditions(const PhysicalNode& node, const QueryNames& queries,
                                            std::vector<ExplainProperty>& out) const {
  const PlanNode& plan = *node.plan;
  if (plan.condition == nullptr) return;
  const std::vector<std::string> input = names_.input_of(plan);
  const int left = static_cast<int>(plan.children[0]->columns.size());
  const bool hashes = std::string_view(node.name) == "Hash Join";
  Conjuncts conjuncts, hash, other;
  split_conjuncts(plan.condition->clone(), conjuncts);
  for (ExprPtr& conjunct : conjuncts) {
    (hashes && is_hash_condition(*conjunct, left) ? hash : other).push_back(std::move(conjunct));
  }
  if (!hash.empty()) {
    out.push_back({"Hash Cond", expr_to_sql(*join_conjuncts(std::move(hash)), input, context_)});
  }
  if (!other.empty()) {
    out.push_back({"Join Filter", expr_to_sql(*join_conjuncts(std::move(other)), input, context_, queries)});
  }
  if (options_.analyze && node.stats.rows_removed > 0) {
    out.push_back({"Rows Removed by Join Filter", std::to_string(node.stats.rows_removed.load()), true});
  }
}

void ExplainProperties::add_function_call(const PlanNode& plan, std::vector<ExplainProperty>& out) const {
  std::string text = std::string(plan.table_function->name) + "(";
  for (size_t i = 0; i < plan.expressions.size(); ++i) {
    text += (i > 0 ? ", " : "") + expr_to_sql(*plan.expressions[i], {}, context_);
  }
  out.push_back({"Function Call", text + ")"});
}

void ExplainProperties::add_measured(const PhysicalNode& node, std::vector<ExplainProperty>& out) const {
  const auto number = [&](const char* name, uint64_t value) {
    out.push_back({name, std::to_string(value), true});
  };
  if (const uint64_t bytes = node.stats.memory_bytes; bytes > 0) {
    out.push_back({"Memory Usage", kilobytes(bytes, options_.json), options_.json});
  }
  if (const uint64_t bytes = node.stats.disk_bytes; bytes > 0) {
    out.push_back({"Disk Usage", kilobytes(bytes, options_.json), options_.json});
  }
  if (node.scan == nullptr) return;
  const ScanCounters counters = node.scan->counters();
  number("Shards", counters.shards);
  number("Shards Skipped", counters.shards_skipped);
  number("Tails Read", counters.tails_read);
  number("Tails Skipped", counters.tails_skipped);
  number("Segments Read", counters.segments_read);
  number("Segments Skipped", counters.segments_skipped);
  number("Rows Read", counters.rows_read);
  number("Rows Returned", counters.rows_returned);
  number("Bytes Decoded", counters.bytes_decoded);
  number("Statements Reused", counters.statements_reused);
  number("Statements Prepared", counters.statements_prepared);
  if (counters.damaged_tails > 0) number("Damaged Tails", counters.damaged_tails);
}

}  // namespace eventd::engine
