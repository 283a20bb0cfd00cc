// Plans made by hand, and plans as text, for tests of the rules.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/plan/logical_plan.h"
#include "tests/unit/plan/fake_events.h"

namespace eventd::engine {

template <class... Items>
std::vector<ExprPtr> exprs(Items... items) {
  std::vector<ExprPtr> result;
  (result.push_back(std::move(items)), ...);
  return result;
}

inline ExprPtr int8_of(int64_t value) { return Expr::constant_of(Datum::int8(value), {oid::kInt8, -1}); }
inline ExprPtr text_of(const char* value) { return Expr::constant_of(Datum::text(value), {oid::kText, -1}); }
inline ExprPtr col(int index, Oid type = oid::kInt8) { return Expr::column(index, {type, -1}); }
inline ExprPtr outer(int index, Oid type = oid::kInt8) { return Expr::outer(index, {type, -1}); }

inline ExprPtr op(const char* name, ExprPtr left, ExprPtr right) {
  const Operator* found =
      FunctionCatalog::instance().find_operator(name, left->type.id, right->type.id);
  const Type type{found->function->result, -1};
  return Expr::call(found->function, type, exprs(std::move(left), std::move(right)));
}
inline ExprPtr eq(ExprPtr left, ExprPtr right) { return op("=", std::move(left), std::move(right)); }

inline ExprPtr node_of(Expr::Kind kind, std::vector<ExprPtr> children) {
  auto result = std::make_unique<Expr>();
  result->kind = kind;
  result->type = kind == Expr::Kind::kCoalesce ? children[0]->type : Type{oid::kBool, -1};
  result->children = std::move(children);
  return result;
}
inline ExprPtr all_of_exprs(std::vector<ExprPtr> children) { return node_of(Expr::Kind::kAnd, std::move(children)); }

inline PlanPtr over(PlanNode::Kind kind, PlanPtr child) {
  auto node = std::make_unique<PlanNode>(kind);
  node->columns = child->columns;
  node->children.push_back(std::move(child));
  return node;
}
inline PlanPtr scan(const Relation& relation) {
  auto node = std::make_unique<PlanNode>(PlanNode::Kind::kScan);
  node->relation = &relation;
  for (size_t i = 0; i < relation.columns().size(); ++i) {
    ScanColumn column;
    column.column = static_cast<int>(i);
    column.type = relation.columns()[i].type;
    node->scan_columns.push_back(column);
    node->columns.push_back({relation.columns()[i].name, column.type, 0, 0});
  }
  return node;
}
inline PlanPtr filter(PlanPtr child, ExprPtr condition) {
  PlanPtr node = over(PlanNode::Kind::kFilter, std::move(child));
  node->condition = std::move(condition);
  return node;
}
inline PlanPtr project(PlanPtr child, std::vector<ExprPtr> expressions) {
  PlanPtr node = over(PlanNode::Kind::kProject, std::move(child));
  node->columns.clear();
  for (const ExprPtr& expression : expressions) node->columns.push_back({"p", expression->type, 0, 0});
  node->expressions = std::move(expressions);
  return node;
}
inline PlanPtr join(JoinType type, PlanPtr left, PlanPtr right, ExprPtr condition,
                    PlanNode::Kind kind = PlanNode::Kind::kJoin) {
  PlanPtr node = over(kind, std::move(left));
  node->join_type = type;
  node->condition = std::move(condition);
  if (type != JoinType::kSemi && type != JoinType::kAnti) {
    node->columns.insert(node->columns.end(), right->columns.begin(), right->columns.end());
  }
  node->children.push_back(std::move(right));
  return node;
}
inline PlanPtr sort(PlanPtr child, ExprPtr key, bool descending = false) {
  PlanPtr node = over(PlanNode::Kind::kSort, std::move(child));
  node->sort_keys.push_back({std::move(key), descending, descending, false});
  return node;
}
inline PlanPtr limit(PlanPtr child, int64_t rows) {
  PlanPtr node = over(PlanNode::Kind::kLimit, std::move(child));
  node->limit = int8_of(rows);
  return node;
}
/// name(argument), or count(*) without one.
inline AggregateCall aggregate(const char* name, ExprPtr argument = nullptr) {
  AggregateCall call;
  for (const AggregateFunction* function : FunctionCatalog::instance().aggregates(name)) {
    const bool matches = argument == nullptr ? function->arguments.empty()
                                             : function->arguments.size() == 1 &&
                                                   function->arguments[0] == argument->type.id;
    if (matches) call.function = function;
  }
  call.type = {call.function->result, -1};
  if (argument != nullptr) call.arguments.push_back(std::move(argument));
  return call;
}
inline PlanPtr group(PlanPtr child, std::vector<ExprPtr> keys, std::vector<AggregateCall> calls) {
  PlanPtr node = over(PlanNode::Kind::kAggregate, std::move(child));
  node->columns.clear();
  for (const ExprPtr& key : keys) node->columns.push_back({"key", key->type, 0, 0});
  for (const AggregateCall& call : calls) node->columns.push_back({"agg", call.type, 0, 0});
  node->group_by = std::move(keys);
  node->aggregates = std::move(calls);
  return node;
}
inline ExprPtr subquery(Subquery::Kind kind, PlanPtr plan, std::vector<ExprPtr> arguments,
                        ExprPtr comparison = nullptr) {
  ExprPtr result = node_of(Expr::Kind::kSubquery, std::move(arguments));
  if (kind == Subquery::Kind::kScalar) result->type = plan->columns[0].type;
  result->subquery = std::make_unique<Subquery>();
  result->subquery->kind = kind;
  result->subquery->plan = std::move(plan);
  result->subquery->comparison = std::move(comparison);
  return result;
}

/// `c1 = 5`, `count(c2)` …
inline std::string text(const Expr& expression) {
  using Kind = Expr::Kind;
  const auto list = [&](const char* separator) {
    std::string out;
    for (const ExprPtr& child : expression.children) out += (out.empty() ? "" : separator) + text(*child);
    return out;
  };
  switch (expression.kind) {
    case Kind::kColumn: return "c" + std::to_string(expression.index);
    case Kind::kOuter: return "o" + std::to_string(expression.index);
    case Kind::kConstant: return expression.constant.is_null() ? "NULL" : datum_to_text({}, expression.constant);
    case Kind::kAnd: return "(" + list(" AND ") + ")";
    case Kind::kOr: return "(" + list(" OR ") + ")";
    case Kind::kNot: return "NOT " + list("");
    case Kind::kIsNull: return list("") + " IS NULL";
    case Kind::kIsNotNull: return list("") + " IS NOT NULL";
    case Kind::kCoalesce: return "coalesce(" + list(", ") + ")";
    case Kind::kSubquery: return "subquery(" + list(", ") + ")";
    case Kind::kCall:
      for (const char* name : {"=", "<", "<=", ">", ">=", "+", "-"}) {
        for (const Operator* each : FunctionCatalog::instance().operators(name)) {
          if (each->function == expression.function && expression.children.size() == 2) {
            return list((std::string(" ") + name + " ").c_str());
          }
        }
      }
      return std::string(expression.function->name) + "(" + list(", ") + ")";
    default: return "?(" + list(", ") + ")";
  }
}

/// One line a node, children indented by two blanks more.
inline std::string text(const PlanNode& plan, int depth = 0) {
  static constexpr const char* kNames[] = {
      "Scan", "Values", "Filter", "Project", "Aggregate", "Distinct", "DistinctOn", "Sort", "Limit",
      "TableFunction", "Append", "Join", "Apply", "ProjectSet", "Window", "SetOperation",
      "RecursiveUnion", "WorkingTable", "With", "CteScan"};
  static constexpr const char* kTypes[] = {"inner", "left", "right", "full", "semi", "anti"};
  static constexpr const char* kOps[] = {"=", "<>", "<", "<=", ">", ">=", "in", "^@", "glob", "null", "not null"};
  std::string out = std::string(static_cast<size_t>(depth) * 2, ' ') + kNames[static_cast<size_t>(plan.kind)];
  const auto add = [&](const std::vector<ExprPtr>& expressions) {
    for (const ExprPtr& expression : expressions) out += " " + text(*expression);
  };
  if (plan.kind == PlanNode::Kind::kScan) {
    for (const ScanColumn& column : plan.scan_columns) {
      out += " " + plan.relation->columns()[static_cast<size_t>(column.column)].name;
      for (const std::string& key : column.path) out += "." + key;
    }
    for (const ScanPredicate& predicate : plan.scan_predicates) {
      out += " [" + plan.relation->columns()[static_cast<size_t>(predicate.column.column)].name + " " +
             kOps[static_cast<size_t>(predicate.op)];
      for (const Datum& value : predicate.values) out += " " + datum_to_text({}, value);
      out += "]";
    }
    if (plan.scan_order) out += plan.scan_order->descending ? " desc" : " asc";
    if (plan.scan_partition_limit) out += " first " + std::to_string(*plan.scan_partition_limit);
  }
  if (plan.kind == PlanNode::Kind::kJoin || plan.kind == PlanNode::Kind::kApply ||
      plan.kind == PlanNode::Kind::kProjectSet) {
    out += std::string(" ") + kTypes[static_cast<size_t>(plan.join_type)];
  }
  if (plan.condition != nullptr) out += " " + text(*plan.condition);
  add(plan.expressions);
  add(plan.group_by);
  for (const AggregateCall& call : plan.aggregates) {
    out += " " + std::string(call.function->name) + "(";
    for (const ExprPtr& argument : call.arguments) out += text(*argument);
    out += ")";
  }
  for (const SortKey& key : plan.sort_keys) out += " " + text(*key.expression) + (key.descending ? " desc" : "");
  if (plan.limit != nullptr) out += " " + text(*plan.limit);
  if (plan.with_ties) out += " ties";
  for (const SetCall& call : plan.set_calls) {
    out += " " + std::string(call.function->name) + "(";
    for (const ExprPtr& argument : call.arguments) out += (out.back() == '(' ? "" : ", ") + text(*argument);
    out += ")";
  }
  if (plan.kind == PlanNode::Kind::kCteScan) out += " " + std::to_string(plan.cte_id);
  out += "\n";
  for (const PlanPtr& child : plan.children) out += text(*child, depth + 1);
  return out;
}

/// A relation of int8 columns of which everything is known.
class FakeTable : public Relation {
 public:
  FakeTable(std::string name, std::vector<std::string> columns, double rows, bool not_null = false)
      : name_(std::move(name)), rows_(rows) {
    for (std::string& column : columns) columns_.push_back({std::move(column), {oid::kInt8, -1}, not_null});
  }
  std::string_view schema() const override { return "public"; }
  std::string_view name() const override { return name_; }
  Oid relation_oid() const override { return 4712; }
  const std::vector<RelationColumn>& columns() const override { return columns_; }
  PredicateSupport support(const ScanPredicate&) const override { return PredicateSupport::kExact; }
  ScanEstimate estimate(const ScanRequest&) const override { return {.rows = rows_, .time_us = rows_}; }
  Result<std::unique_ptr<Scan>> scan(ScanRequest) const override {
    return Status(sqlstate::kInternalError, "not in this test");
  }

 private:
  std::string name_;
  std::vector<RelationColumn> columns_;
  double rows_;
};

}  // namespace eventd::engine
