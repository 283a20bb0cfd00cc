#include "engine/exec/explain_names.h"

#include "engine/exec/expr_to_sql.h"

namespace eventd::engine {

namespace {

/// Longer expressions are called by their column's name.
constexpr size_t kNameMax = 200;

size_t count_leaves(const PlanNode& plan) {
  const bool leaf = plan.kind == PlanNode::Kind::kScan || plan.kind == PlanNode::Kind::kCteScan ||
                    plan.kind == PlanNode::Kind::kTableFunction || plan.kind == PlanNode::Kind::kWorkingTable;
  size_t leaves = leaf ? 1 : 0;
  for (const PlanPtr& child : plan.children) leaves += count_leaves(*child);
  return leaves;
}

void append(std::vector<std::string>& names, std::vector<std::string> more) {
  for (std::string& name : more) names.push_back(std::move(name));
}

}  // namespace

ExplainNames::ExplainNames(const PlanNode& plan, const EvalContext& context)
    : context_(context), qualify_(count_leaves(plan) > 1) {}

std::string ExplainNames::alias_of(const PlanNode& plan) {
  if (!plan.alias.empty()) return plan.alias;
  if (plan.kind == PlanNode::Kind::kScan) return std::string(plan.relation->name());
  if (plan.kind == PlanNode::Kind::kTableFunction) return std::string(plan.table_function->name);
  return {};
}

std::string ExplainNames::relation_title(const PlanNode& plan, bool with_schema) {
  std::string name, alias = alias_of(plan);
  if (plan.kind == PlanNode::Kind::kScan) {
    name = quote_identifier(std::string(plan.relation->name()));
    if (with_schema) name = quote_identifier(std::string(plan.relation->schema())) + "." + name;
    if (alias == plan.relation->name()) alias.clear();
  } else if (plan.kind == PlanNode::Kind::kTableFunction) {
    name = quote_identifier(std::string(plan.table_function->name));
    if (alias == plan.table_function->name) alias.clear();
  } else if (plan.kind == PlanNode::Kind::kValues) {
    name = alias.empty() ? "\"*VALUES*\"" : "";
  }
  if (alias.empty()) return name;
  return name.empty() ? quote_identifier(alias) : name + " " + quote_identifier(alias);
}

std::vector<std::string> ExplainNames::prefixed(const PlanNode& plan) const {
  std::vector<std::string> names = column_names(plan);
  const std::string alias = alias_of(plan);
  if (!qualify_ || alias.empty()) return names;
  for (std::string& name : names) {
    // A path into a column: the column is what belongs to the relation.
    const size_t at = name.starts_with('(') ? 1 : 0;
    name.insert(at, quote_identifier(alias) + ".");
  }
  return names;
}

std::string ExplainNames::expression_name(const Expr& expression, const std::vector<std::string>& input,
                                          const std::string& otherwise) const {
  std::string text = expr_to_sql(expression, input, context_);
  return text.size() > kNameMax ? quote_identifier(otherwise) : text;
}

std::string ExplainNames::aggregate_name(const AggregateCall& call, const std::vector<std::string>& input) const {
  std::string text = std::string(call.function->name) + "(" + (call.distinct ? "DISTINCT " : "");
  if (call.arguments.empty() && call.function->name == "count") text += "*";
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    text += (i > 0 ? ", " : "") + expr_to_sql(*call.arguments[i], input, context_);
  }
  text += ")";
  if (call.filter != nullptr) text += " FILTER (WHERE " + expr_to_sql(*call.filter, input, context_) + ")";
  return text;
}

std::vector<std::string> ExplainNames::input_of(const PlanNode& plan) const {
  std::vector<std::string> names;
  if (plan.kind == PlanNode::Kind::kWith) return of(*plan.children.back());
  for (const PlanPtr& child : plan.children) append(names, of(*child));
  return names;
}

std::vector<std::string> ExplainNames::of(const PlanNode& plan) const {
  const auto column_name = [&](size_t i) { return plan.columns[i].name; };
  switch (plan.kind) {
    case PlanNode::Kind::kScan:
    case PlanNode::Kind::kCteScan:
    case PlanNode::Kind::kWorkingTable:
    case PlanNode::Kind::kTableFunction: return prefixed(plan);
    case PlanNode::Kind::kProject: {
      const std::vector<std::string> input = of(*plan.children[0]);
      std::vector<std::string> names;
      for (size_t i = 0; i < plan.expressions.size(); ++i) {
        names.push_back(expression_name(*plan.expressions[i], input, column_name(i)));
      }
      return names;
    }
    case PlanNode::Kind::kAggregate: {
      const std::vector<std::string> input = of(*plan.children[0]);
      std::vector<std::string> names;
      for (const ExprPtr& key : plan.group_by) names.push_back(expression_name(*key, input, column_name(names.size())));
      for (const AggregateCall& call : plan.aggregates) names.push_back("(" + aggregate_name(call, input) + ")");
      while (names.size() < plan.columns.size()) names.push_back(quote_identifier(column_name(names.size())));
      for (size_t i = plan.group_by.size(); i < names.size(); ++i) {
        if (names[i].size() > kNameMax) names[i] = quote_identifier(column_name(i));
      }
      return names;
    }
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kLimit:
    case PlanNode::Kind::kDistinct:
    case PlanNode::Kind::kDistinctOn: return of(*plan.children[0]);
    case PlanNode::Kind::kWith: return of(*plan.children.back());
    case PlanNode::Kind::kJoin:
    case PlanNode::Kind::kApply: {
      std::vector<std::string> names = input_of(plan);
      if (names.size() > plan.columns.size()) names.resize(plan.columns.size());
      return names;
    }
    case PlanNode::Kind::kGapFill:
    case PlanNode::Kind::kWindow:
    case PlanNode::Kind::kProjectSet: {
      std::vector<std::string> names = of(*plan.children[0]);
      while (names.size() < plan.columns.size()) names.push_back(quote_identifier(column_name(names.size())));
      return names;
    }
    default: return column_names(plan);
  }
}

}  // namespace eventd::engine
