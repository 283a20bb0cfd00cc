// EXPLAIN in PostgreSQL's text and JSON forms. Source: PostgreSQL 15 documentation, EXPLAIN.
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "clock.h"
#include "engine/exec/execution.h"
#include "engine/exec/explain_properties.h"
#include "engine/plan/plan_rewrite.h"

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

/// A node with those that PostgreSQL shows as part of it, and what is shown below.
struct ShownNode {
  std::vector<const PhysicalNode*> parts;  ///< filters and projections, the node itself last
  std::vector<QueryNames> queries;         ///< what each part calls its queries
  struct Below {
    const PhysicalNode* node = nullptr;
    std::string relationship;  ///< "Outer", "Inner", "Member", "InitPlan", "SubPlan"
    std::string name;          ///< "SubPlan 1", "CTE x"; empty = an ordinary child
    bool hash = false;         ///< under a Hash
  };
  std::vector<Below> named, children;

  const PhysicalNode& top() const { return *parts.front(); }
  const PhysicalNode& core() const { return *parts.back(); }
};

bool is_presorted_by_merge(const PhysicalNode& node) { return std::string_view(node.name) == "Presorted"; }

/// The name of a common table expression: that of its scan.
std::string cte_name(const PlanNode& plan, int cte_id) {
  if (plan.kind == PlanNode::Kind::kCteScan && plan.cte_id == cte_id) return plan.alias;
  for (const PlanPtr& child : plan.children) {
    if (std::string name = cte_name(*child, cte_id); !name.empty()) return name;
  }
  return {};
}

class Explainer {
 public:
  Explainer(const PlanNode& plan, const EvalContext& context, const ExplainOptions& options)
      : options_(options), names_(plan, context), properties_(names_, context, options) {}

  /// `inner` blanks before what belongs to the node; its children's arrows stand there.
  void text(const PhysicalNode& node, size_t inner, const std::string& head, std::vector<std::string>& lines) {
    const ShownNode shown = show(node);
    lines.push_back(head + explain_title(shown.core(), options_).text + numbers(shown.top()));
    const std::string indent(inner, ' ');
    for (const ExplainProperty& property : properties_.of(shown.parts, shown.queries)) {
      lines.push_back(indent + property.name + ": " + joined(property));
    }
    for (const ShownNode::Below& below : shown.named) {
      lines.push_back(indent + below.name);
      text(*below.node, inner + 8, indent + "  ->  ", lines);
    }
    for (const ShownNode::Below& below : shown.children) {
      if (below.hash) {
        lines.push_back(indent + "->  Hash" + numbers(*below.node));
        text(*below.node, inner + 12, indent + "      ->  ", lines);
      } else {
        text(*below.node, inner + 6, indent + "->  ", lines);
      }
    }
  }

  std::string json(const ShownNode::Below& below, int depth) {
    const ShownNode shown = show(*below.node);
    const PhysicalNode& core = shown.core();
    const ExplainTitle title = explain_title(core, options_);
    const std::string indent(static_cast<size_t>(depth) * 2, ' ');
    const std::string inner = indent + "  ";
    std::string out = "{\n" + inner + "\"Node Type\": " + json_string(title.node_type);
    const auto add = [&](const std::string& name, const std::string& value) {
      out += ",\n" + inner + json_string(name) + ": " + value;
    };
    if (!title.strategy.empty()) add("Strategy", json_string(title.strategy));
    if (!below.relationship.empty()) add("Parent Relationship", json_string(below.relationship));
    if (!below.name.empty()) add("Subplan Name", json_string(below.name));
    add("Parallel Aware", core.helpers > 0 ? "true" : "false");
    add("Async Capable", "false");
    if (!title.join_type.empty()) add("Join Type", json_string(title.join_type));
    if (!title.command.empty()) add("Command", json_string(title.command));
    add_relation(*core.plan, add);
    add_numbers(shown.top(), add);
    for (const ExplainProperty& property : properties_.of(shown.parts, shown.queries)) {
      add(property.name, json_value(property));
    }
    std::string plans;
    for (const auto* list : {&shown.named, &shown.children}) {
      for (const ShownNode::Below& child : *list) {
        plans += (plans.empty() ? "" : ",\n") + inner + "  " +
                 (child.hash ? json_hash(child, depth + 2) : json(child, depth + 2));
      }
    }
    if (!plans.empty()) add("Plans", "[\n" + plans + "\n" + inner + "]");
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
  /// Follows filters, projections and steps without an operator down to the node that is shown.
  ShownNode show(const PhysicalNode& node) {
    ShownNode shown;
    const PhysicalNode* at = &node;
    for (;;) {
      const PlanNode::Kind kind = at->plan->kind;
      if (is_presorted_by_merge(*at)) {
        at = at->children[0].get();
        continue;
      }
      if (kind == PlanNode::Kind::kWith && !at->children.empty()) {
        add_ctes(*at, shown);
        at = at->children.back().get();
        continue;
      }
      shown.parts.push_back(at);
      add_queries(*at, shown);
      const bool part = kind == PlanNode::Kind::kFilter || kind == PlanNode::Kind::kProject;
      if (!part || at->children.empty()) break;
      at = at->children[0].get();
    }
    add_children(*at, shown);
    return shown;
  }

  static void add_ctes(const PhysicalNode& node, ShownNode& shown) {
    for (size_t i = 0; i + 1 < node.children.size() && i < node.plan->cte_ids.size(); ++i) {
      std::string name;
      for (size_t j = i + 1; j < node.plan->children.size() && name.empty(); ++j) {
        name = cte_name(*node.plan->children[j], node.plan->cte_ids[i]);
      }
      shown.named.push_back({node.children[i].get(), "InitPlan", "CTE " + name, false});
    }
  }

  void add_queries(const PhysicalNode& node, ShownNode& shown) {
    QueryNames names;
    for (const SubPlan& query : node.subplans) {
      const std::string number = std::to_string(++queries_seen_);
      std::string name = "SubPlan " + number, called = "(SubPlan " + number + ")";
      if (!query.correlated) {
        called = "$" + std::to_string(initplans_seen_++);
        name = "InitPlan " + number + " (returns " + called + ")";
      }
      names.push_back(std::move(called));
      if (query.root == nullptr) continue;
      shown.named.push_back({query.root.get(), query.correlated ? "SubPlan" : "InitPlan", std::move(name), false});
    }
    shown.queries.push_back(std::move(names));
  }

  static void add_children(const PhysicalNode& core, ShownNode& shown) {
    const bool hashes = std::string_view(core.name) == "Hash Join";
    const bool members = core.plan->kind == PlanNode::Kind::kAppend;
    for (size_t i = 0; i < core.children.size(); ++i) {
      // The side that probes comes first.
      const size_t at = core.build_left && core.children.size() == 2 ? 1 - i : i;
      shown.children.push_back({core.children[at].get(), members ? "Member" : i == 0 ? "Outer" : "Inner", {},
                                hashes && i == 1});
    }
  }

  template <class Add>
  static void add_relation(const PlanNode& plan, const Add& add) {
    if (plan.kind == PlanNode::Kind::kScan) {
      add("Relation Name", json_string(std::string(plan.relation->name())));
    } else if (plan.kind == PlanNode::Kind::kTableFunction) {
      add("Function Name", json_string(std::string(plan.table_function->name)));
    } else if (plan.kind == PlanNode::Kind::kCteScan || plan.kind == PlanNode::Kind::kWorkingTable) {
      add("CTE Name", json_string(plan.alias));
    } else {
      return;
    }
    add("Alias", json_string(ExplainNames::alias_of(plan)));
  }

  template <class Add>
  void add_numbers(const PhysicalNode& node, const Add& add) const {
    if (options_.costs) {
      add("Startup Cost", printf_text("%.2f", startup_cost(node)));
      add("Total Cost", printf_text("%.2f", cost_of(node.time_us)));
      add("Plan Rows", printf_text("%.0f", std::ceil(node.rows)));
      add("Plan Width", std::to_string(width_of(*node.plan)));
    }
    if (!options_.analyze) return;
    const uint64_t loops = std::max<uint64_t>(node.stats.loops, 1);
    add("Actual Startup Time", milliseconds(node.stats.first_ns / loops));
    add("Actual Total Time", milliseconds(node.stats.time_ns / loops));
    add("Actual Rows", std::to_string(node.stats.rows.load()));
    add("Actual Loops", std::to_string(node.stats.loops.load()));
  }

  std::string json_hash(const ShownNode::Below& below, int depth) {
    const std::string indent(static_cast<size_t>(depth) * 2, ' ');
    const std::string inner = indent + "  ";
    std::string out = "{\n" + inner + "\"Node Type\": \"Hash\"";
    const auto add = [&](const std::string& name, const std::string& value) {
      out += ",\n" + inner + json_string(name) + ": " + value;
    };
    add("Parent Relationship", "\"Inner\"");
    add("Parallel Aware", "false");
    add("Async Capable", "false");
    add_numbers(*below.node, add);
    const ShownNode::Below input{below.node, "Outer", {}, false};
    add("Plans", "[\n" + inner + "  " + json(input, depth + 2) + "\n" + inner + "]");
    return out + "\n" + indent + "}";
  }

  static std::string json_value(const ExplainProperty& property) {
    if (!property.is_list) return property.is_number ? property.text : json_string(property.text);
    std::string list = "[";
    for (const std::string& item : property.list) list += (list.size() > 1 ? ", " : "") + json_string(item);
    return list + "]";
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

  static std::string joined(const ExplainProperty& property) {
    if (property.list.empty()) return property.text;
    std::string out;
    for (const std::string& item : property.list) out += (out.empty() ? "" : ", ") + item;
    return out;
  }

  const ExplainOptions& options_;
  ExplainNames names_;
  ExplainProperties properties_;
  size_t queries_seen_ = 0, initplans_seen_ = 0;
};

}  // namespace

Result<std::vector<std::string>> explain(PlanPtr plan, ExecutionContext context,
                                         const ExplainOptions& options) {
  const int64_t start = Clock::system().monotonic_ns();
  context.instrument = options.analyze;
  context.describe = true;
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
  Explainer explainer(*execution->physical().plan, execution->eval(), options);
  std::vector<std::string> lines;
  if (options.json) {
    std::string document =
        "[\n  {\n    \"Plan\": " + explainer.json({&execution->physical(), {}, {}, false}, 2);
    if (options.analyze) {
      document += ",\n    \"Planning Time\": " + planning + ",\n    \"Execution Time\": " + executing;
    }
    lines.push_back(document + "\n  }\n]");
    return lines;
  }
  explainer.text(execution->physical(), 2, {}, lines);
  if (options.analyze) {
    lines.push_back("Planning Time: " + planning + " ms");
    lines.push_back("Execution Time: " + executing + " ms");
  }
  return lines;
}

}  // namespace eventd::engine
