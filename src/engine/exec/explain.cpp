// EXPLAIN in PostgreSQL's text and JSON forms. Source: PostgreSQL 15 documentation, EXPLAIN.
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "clock.h"
#include "engine/exec/execution.h"
#include "engine/exec/expr_to_sql.h"

namespace eventd::engine {

namespace {

std::string printf_text(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string printf_text(const char* format, ...) {
  char buffer[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  return buffer;
}

/// Named facts of a node, in order. Numbers are printed bare in JSON.
struct Property {
  std::string name = {}, text = {};
  bool is_number = false;
  bool is_list = false;
  std::vector<std::string> list = {};
};

/// PostgreSQL's cost unit is a page read; here 10 µs.
double cost_of(double time_us) { return time_us / 10; }

int width_of(const PlanNode& plan) {
  int width = 0;
  for (const OutputColumn& column : plan.columns) {
    const TypeInfo* info = find_type(column.type.id);
    width += info != nullptr && info->length > 0 ? info->length : 32;
  }
  return width;
}

class Explainer {
 public:
  Explainer(const EvalContext& context, const ExplainOptions& options)
      : context_(context), options_(options) {}

  void text(const PhysicalNode& node, int depth, bool first, std::vector<std::string>& lines) {
    const PhysicalNode& shown = skip_presorted(node);
    const PhysicalNode& core = skip_filters(shown);
    const std::string indent(first ? 0 : static_cast<size_t>(depth) * 6 - 4, ' ');
    lines.push_back(indent + (first ? "" : "->  ") + title(core) + numbers(shown));
    const std::string inner(static_cast<size_t>(depth) * 6 + 2, ' ');
    for (const Property& property : properties(shown, core)) {
      lines.push_back(inner + property.name + ": " + joined(property));
    }
    for (const auto& child : core.children) text(*child, depth + 1, false, lines);
  }

  std::string json(const PhysicalNode& node, int depth) {
    const PhysicalNode& shown = skip_presorted(node);
    const PhysicalNode& core = skip_filters(shown);
    const std::string indent(static_cast<size_t>(depth) * 2, ' ');
    const std::string inner = indent + "  ";
    std::string out = "{\n" + inner + "\"Node Type\": " + json_string(core.name);
    const auto add = [&](const std::string& name, const std::string& value) {
      out += ",\n" + inner + json_string(name) + ": " + value;
    };
    add("Parallel Aware", core.helpers > 0 ? "true" : "false");
    if (core.plan->kind == PlanNode::Kind::kScan) {
      add("Relation Name", json_string(std::string(core.plan->relation->name())));
      add("Alias", json_string(std::string(core.plan->relation->name())));
    }
    if (options_.costs) {
      add("Startup Cost", printf_text("%.2f", startup_cost(shown)));
      add("Total Cost", printf_text("%.2f", cost_of(shown.time_us)));
      add("Plan Rows", printf_text("%.0f", std::ceil(shown.rows)));
      add("Plan Width", std::to_string(width_of(*shown.plan)));
    }
    if (options_.analyze) {
      const uint64_t loops = std::max<uint64_t>(shown.stats.loops, 1);
      add("Actual Startup Time", milliseconds(shown.stats.first_ns / loops));
      add("Actual Total Time", milliseconds(shown.stats.time_ns / loops));
      add("Actual Rows", std::to_string(shown.stats.rows.load()));
      add("Actual Loops", std::to_string(shown.stats.loops.load()));
    }
    for (const Property& property : properties(shown, core)) {
      if (!property.list.empty() || property.is_list) {
        std::string list = "[";
        for (const std::string& item : property.list) list += (list.size() > 1 ? ", " : "") + json_string(item);
        add(property.name, list + "]");
      } else {
        add(property.name, property.is_number ? property.text : json_string(property.text));
      }
    }
    if (!core.children.empty()) {
      std::string plans = "[\n";
      for (size_t i = 0; i < core.children.size(); ++i) {
        plans += inner + "  " + json(*core.children[i], depth + 2) + (i + 1 < core.children.size() ? ",\n" : "\n");
      }
      add("Plans", plans + inner + "]");
    }
    return out + "\n" + indent + "}";
  }

  static std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out += printf_text("\\u%04x", static_cast<unsigned>(c));
      } else {
        out += c;
      }
    }
    return out + "\"";
  }

  static std::string milliseconds(uint64_t ns) {
    return printf_text("%.3f", static_cast<double>(ns) / 1e6);
  }

 private:
  /// A sort that the merge below does already has no operator.
  static const PhysicalNode& skip_presorted(const PhysicalNode& node) {
    const PhysicalNode* at = &node;
    while (std::string_view(at->name) == "Presorted") at = at->children[0].get();
    return *at;
  }
  /// PostgreSQL shows a filter and a projection as part of the node below them.
  static const PhysicalNode& skip_filters(const PhysicalNode& node) {
    const PhysicalNode* at = &node;
    while ((at->plan->kind == PlanNode::Kind::kFilter || at->plan->kind == PlanNode::Kind::kProject) &&
           !at->children.empty()) {
      at = &skip_presorted(*at->children[0]);
    }
    return *at;
  }

  std::string title(const PhysicalNode& node) const {
    std::string name = node.name;
    if (node.helpers > 0) name = "Parallel " + name;
    if (node.merge) name = "Merge Append Scan";
    if (node.keep) name += " (top-" + std::to_string(*node.keep) + ")";
    if (node.plan->kind == PlanNode::Kind::kScan) {
      const Relation& relation = *node.plan->relation;
      name += " on ";
      if (options_.verbose) name += quote_identifier(std::string(relation.schema())) + ".";
      name += quote_identifier(std::string(relation.name()));
    } else if (node.plan->kind == PlanNode::Kind::kTableFunction) {
      name += " on " + std::string(node.plan->table_function->name);
    }
    return name;
  }

  /// Aggregates and sorts give nothing before they have read everything.
  static double startup_cost(const PhysicalNode& node) {
    const PlanNode::Kind kind = node.plan->kind;
    const bool blocks = kind == PlanNode::Kind::kAggregate || kind == PlanNode::Kind::kSort;
    return blocks ? cost_of(node.time_us) : 0;
  }

  std::string numbers(const PhysicalNode& node) const {
    std::string out;
    if (options_.costs) {
      out += printf_text("  (cost=%.2f..%.2f rows=%.0f width=%d)", startup_cost(node), cost_of(node.time_us),
                         std::ceil(node.rows), width_of(*node.plan));
    }
    if (options_.analyze) {
      const uint64_t loops = node.stats.loops;
      if (loops == 0) return out + (out.empty() ? "  " : " ") + "(never executed)";
      // As PostgreSQL: time a loop, here a worker's; rows over all of them.
      out += (out.empty() ? "  " : " ") + std::string("(actual time=") + milliseconds(node.stats.first_ns / loops) +
             ".." + milliseconds(node.stats.time_ns / loops) + " rows=" +
             std::to_string(node.stats.rows.load()) + " loops=" + std::to_string(loops) + ")";
    }
    return out;
  }

  static std::string joined(const Property& property) {
    if (property.list.empty()) return property.text;
    std::string out;
    for (const std::string& item : property.list) out += (out.empty() ? "" : ", ") + item;
    return out;
  }

  std::vector<Property> properties(const PhysicalNode& shown, const PhysicalNode& core) const {
    std::vector<Property> out;
    const PlanNode& plan = *core.plan;
    if (options_.verbose) {
      out.push_back({"Output", {}, false, true, {}});
      for (const OutputColumn& column : shown.plan->columns) out.back().list.push_back(quote_identifier(column.name));
    }
    if (plan.kind == PlanNode::Kind::kScan) add_pushed(plan, out);
    if (plan.kind == PlanNode::Kind::kAggregate || plan.kind == PlanNode::Kind::kDistinct) add_group_key(plan, out);
    if (plan.kind == PlanNode::Kind::kSort) add_sort_key(plan, out);
    if (core.merge) {
      out.push_back({"Order", plan.relation->columns()[static_cast<size_t>(plan.scan_order->column)].name +
                                  (plan.scan_order->descending ? " DESC" : "")});
    }
    add_filters(shown, core, out);
    if (core.helpers > 0) out.push_back({"Workers Planned", std::to_string(core.helpers), true});
    if (options_.analyze) add_measured(core, out);
    return out;
  }

  void add_pushed(const PlanNode& plan, std::vector<Property>& out) const {
    if (plan.scan_predicates.empty()) return;
    std::string text;
    for (const ScanPredicate& predicate : plan.scan_predicates) {
      text += (text.empty() ? "" : " AND ") + predicate_to_sql(predicate, *plan.relation, context_);
    }
    if (plan.scan_predicates.size() > 1) text = "(" + text + ")";
    out.push_back({"Scan Cond", text});
  }

  void add_group_key(const PlanNode& plan, std::vector<Property>& out) const {
    const std::vector<std::string> names = column_names(*plan.children[0]);
    Property keys{"Group Key", {}, false, true, {}};
    if (plan.kind == PlanNode::Kind::kDistinct) {
      keys.list = names;
    } else {
      for (const ExprPtr& key : plan.group_by) keys.list.push_back(expr_to_sql(*key, names, context_));
    }
    if (!keys.list.empty()) out.push_back(std::move(keys));
  }

  void add_sort_key(const PlanNode& plan, std::vector<Property>& out) const {
    const std::vector<std::string> names = column_names(*plan.children[0]);
    Property keys{"Sort Key", {}, false, true, {}};
    for (const SortKey& key : plan.sort_keys) {
      std::string text = expr_to_sql(*key.expression, names, context_);
      if (key.descending) text += " DESC";
      if (key.nulls_first != key.descending) text += key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
      keys.list.push_back(std::move(text));
    }
    out.push_back(std::move(keys));
  }

  void add_filters(const PhysicalNode& shown, const PhysicalNode& core, std::vector<Property>& out) const {
    for (const PhysicalNode* at = &shown; at != &core; at = &skip_presorted(*at->children[0])) {
      if (at->plan->kind != PlanNode::Kind::kFilter) continue;
      out.push_back({"Filter", expr_to_sql(*at->plan->condition, column_names(*at->plan->children[0]), context_)});
      if (options_.analyze) {
        out.push_back({"Rows Removed by Filter", std::to_string(at->stats.rows_removed.load()), true});
      }
    }
  }

  void add_measured(const PhysicalNode& node, std::vector<Property>& out) const {
    const auto number = [&](const char* name, uint64_t value) {
      out.push_back({name, std::to_string(value), true});
    };
    if (const uint64_t bytes = node.stats.memory_bytes; bytes > 0) {
      out.push_back({"Memory Usage", options_.json ? std::to_string((bytes + 1023) / 1024)
                                                   : std::to_string((bytes + 1023) / 1024) + "kB",
                     options_.json});
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

  const EvalContext& context_;
  const ExplainOptions& options_;
};

}  // namespace

Result<std::vector<std::string>> explain(PlanPtr plan, ExecutionContext context,
                                         const ExplainOptions& options) {
  const int64_t start = Clock::system().monotonic_ns();
  context.instrument = options.analyze;
  ASSIGN_OR_RETURN(std::unique_ptr<PlanExecution> execution,
                   PlanExecution::start(std::move(plan), std::move(context)));
  const int64_t planned = Clock::system().monotonic_ns();
  if (options.analyze) {
    Batch batch;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, execution->next(batch));
      if (!more) break;
    }
  }
  const int64_t finished = Clock::system().monotonic_ns();
  const std::string planning = Explainer::milliseconds(static_cast<uint64_t>(planned - start));
  const std::string executing = Explainer::milliseconds(static_cast<uint64_t>(finished - planned));
  Explainer explainer(execution->eval(), options);
  std::vector<std::string> lines;
  if (options.json) {
    std::string document = "[\n  {\n    \"Plan\": " + explainer.json(execution->physical(), 2);
    if (options.analyze) {
      document += ",\n    \"Planning Time\": " + planning + ",\n    \"Execution Time\": " + executing;
    }
    lines.push_back(document + "\n  }\n]");
    return lines;
  }
  explainer.text(execution->physical(), 0, true, lines);
  if (options.analyze) {
    lines.push_back("Planning Time: " + planning + " ms");
    lines.push_back("Execution Time: " + executing + " ms");
  }
  return lines;
}

}  // namespace eventd::engine
