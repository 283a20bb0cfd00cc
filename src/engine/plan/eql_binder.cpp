#include "engine/plan/eql_binder.h"

#include <algorithm>

#include "engine/plan/coercion.h"
#include "engine/plan/eql_conditions.h"
#include "engine/plan/eql_fields.h"

namespace eventd::engine {
namespace {

using Function = EqlAggregate::Function;
using AggregateKind = EqlAggregate::Kind;

// The columns of a row query (spec: query-language.md §5).
constexpr std::string_view kRowColumns[] = {
    "timestamp",    "event_type",           "origin_class",    "cpu_id",  "sequence",
    "process_guid", "effective_token_guid", "true_token_guid", "boot_id", "payload"};

PlanPtr above(PlanNode::Kind kind, PlanPtr child) {
  auto node = std::make_unique<PlanNode>(kind);
  node->columns = child->columns;
  node->children.push_back(std::move(child));
  return node;
}

SortKey sort_key(ExprPtr expression, bool descending) {
  SortKey key;
  key.expression = std::move(expression);
  key.descending = descending;
  key.eql_order = true;  // NULL and NaN last whatever the direction
  return key;
}

class EqlBinder {
 public:
  EqlBinder(const EqlAst& query, const Relation& events, const RelationResolver& relations, BindState& state)
      : query_(query), events_(events), state_(state), fields_(events, relations, query.pattern, state, level_) {}

  Result<PlanPtr> bind() {
    plan_ = make_scan();
    RETURN_IF_ERROR(bind_filter());
    if (query_.aggregate) {
      RETURN_IF_ERROR(bind_aggregate(*query_.aggregate));
    } else {
      RETURN_IF_ERROR(bind_row_order());
    }
    RETURN_IF_ERROR(bind_limit());
    RETURN_IF_ERROR(query_.aggregate ? select_from_aggregate() : select_from_rows());
    return std::move(plan_);
  }

 private:
  PlanPtr make_scan() {
    auto scan = std::make_unique<PlanNode>(PlanNode::Kind::kScan);
    scan->relation = &events_;
    for (size_t i = 0; i < events_.columns().size(); ++i) {
      const RelationColumn& column = events_.columns()[i];
      ScanColumn wanted;
      wanted.column = static_cast<int>(i);
      wanted.type = column.type;
      scan->scan_columns.push_back(std::move(wanted));
      scan->columns.push_back(
          {column.name, column.type, events_.relation_oid(), static_cast<int16_t>(i + 1)});
    }
    level_.scope.add_relation(std::string(events_.name()), std::string(events_.schema()), scan->columns);
    return scan;
  }

  ExprPtr column(std::string_view name) const {
    const int index = events_.find_column(name);
    return Expr::column(index, events_.columns()[static_cast<size_t>(index)].type);
  }

  // Pattern, time range and conditions, ANDed.
  Status bind_filter() {
    std::vector<ExprPtr> conditions;
    if (query_.pattern && *query_.pattern != "*") {
      ASSIGN_OR_RETURN(ExprPtr matches,
                       fields_.call("eql_glob", column("event_type"),
                                    Expr::constant_of(Datum::text(*query_.pattern), {oid::kText, -1})));
      conditions.push_back(std::move(matches));
    }
    RETURN_IF_ERROR(add_bound(query_.since, ">=", conditions));
    RETURN_IF_ERROR(add_bound(query_.until, "<", conditions));
    if (query_.since && !query_.until) {
      ASSIGN_OR_RETURN(ExprPtr now, fields_.binder().bind_function("now", {}, 0));
      ASSIGN_OR_RETURN(ExprPtr before, fields_.binder().bind_operator("<", column("timestamp"),
                                                                      std::move(now), 0));
      conditions.push_back(std::move(before));
    }
    for (const auto& where : query_.where) {
      ASSIGN_OR_RETURN(ExprPtr condition, bind_eql_condition(*where, fields_));
      conditions.push_back(std::move(condition));
    }
    if (conditions.empty()) return {};
    plan_ = above(PlanNode::Kind::kFilter, std::move(plan_));
    if (conditions.size() == 1) {
      plan_->condition = std::move(conditions[0]);
      return {};
    }
    plan_->condition = std::make_unique<Expr>();
    plan_->condition->kind = Expr::Kind::kAnd;
    plan_->condition->type = {oid::kBool, -1};
    plan_->condition->children = std::move(conditions);
    return {};
  }

  Status add_bound(const std::optional<EqlLiteral>& literal, std::string_view op,
                   std::vector<ExprPtr>& conditions) {
    if (!literal) return {};
    ASSIGN_OR_RETURN(ExprPtr time, fields_.bind_time(*literal));
    ASSIGN_OR_RETURN(ExprPtr condition, fields_.binder().bind_operator(op, column("timestamp"),
                                                                       std::move(time), literal->position));
    conditions.push_back(std::move(condition));
    return {};
  }

  /// The order column is never NULL: there the plain form means the same, and the scan can serve it.
  SortKey row_key(ExprPtr field, bool descending) const {
    const bool by_time =
        field->kind == Expr::Kind::kColumn && field->index == events_.order_column();
    SortKey key = sort_key(std::move(field), descending);
    if (by_time) {
      key.eql_order = false;
      key.nulls_first = descending;
    }
    return key;
  }

  Status bind_row_order() {
    PlanPtr sort = above(PlanNode::Kind::kSort, std::move(plan_));
    for (const EqlSortItem& item : query_.sort) {
      sort->sort_keys.push_back(row_key(fields_.bind(item.field), item.descending));
    }
    if (query_.sort.empty()) sort->sort_keys.push_back(row_key(column("timestamp"), true));
    plan_ = std::move(sort);
    return {};
  }

  // Group keys first, the result of the function last.
  Status bind_aggregate(const EqlAggregate& aggregate) {
    PlanPtr node = above(PlanNode::Kind::kAggregate, std::move(plan_));
    node->columns.clear();
    for (const EqlField& field : aggregate.fields) {
      ASSIGN_OR_RETURN(ExprPtr key, fields_.bind_typed(field));
      node->group_by.push_back(std::move(key));
      node->columns.push_back({field.text, node->group_by.back()->type, 0, 0});
    }
    const size_t keys = node->group_by.size();
    if (aggregate.kind != AggregateKind::kDistinct) {
      RETURN_IF_ERROR(add_function(aggregate, *node));
    }
    const Type last = node->columns.back().type;
    // TOP n is the first n by count, whatever SORT makes of them.
    if (!query_.sort.empty() && !aggregate.top) return sort_aggregate(std::move(node));
    plan_ = above(PlanNode::Kind::kSort, std::move(node));
    if (aggregate.kind == AggregateKind::kCountBy || aggregate.kind == AggregateKind::kTop) {
      plan_->sort_keys.push_back(sort_key(Expr::column(static_cast<int>(keys), last), true));
    }
    for (size_t i = 0; i < keys; ++i) {
      plan_->sort_keys.push_back(
          sort_key(Expr::column(static_cast<int>(i), plan_->columns[i].type), false));
    }
    if (!aggregate.top) return {};
    plan_ = above(PlanNode::Kind::kLimit, std::move(plan_));
    ASSIGN_OR_RETURN(plan_->limit, fields_.bind_count(*aggregate.top));
    if (query_.sort.empty()) return {};
    return sort_aggregate(std::move(plan_));
  }

  Status add_function(const EqlAggregate& aggregate, PlanNode& node) {
    static constexpr std::string_view kNames[] = {"count", "sum", "avg", "min", "max"};
    const std::string_view name = kNames[static_cast<size_t>(aggregate.function)];
    AggregateCall call;
    std::vector<Oid> types;
    if (aggregate.function != Function::kCount) {
      ASSIGN_OR_RETURN(ExprPtr argument, aggregate_argument(aggregate));
      types.push_back(argument->type.id);
      call.arguments.push_back(std::move(argument));
    }
    for (const AggregateFunction* candidate : FunctionCatalog::instance().aggregates(name)) {
      if (candidate->arguments == types) call.function = candidate;
    }
    if (call.function == nullptr) {
      return bind_error(sqlstate::kDatatypeMismatch,
                        std::string(name) + " of " + aggregate.argument.text + " is not defined for type " +
                            format_type({types[0], -1}),
                        aggregate.argument.position);
    }
    call.type = {call.function->result, -1};
    node.columns.push_back({std::string(name), call.type, 0, 0});
    node.aggregates.push_back(std::move(call));
    return {};
  }

  // What SUM, AVG, MIN or MAX take: numbers, everything else NULL. SUM of whole numbers is exact, AVG
  // a float, MIN and MAX are of the field's type.
  Result<ExprPtr> aggregate_argument(const EqlAggregate& aggregate) {
    const EqlField& field = aggregate.argument;
    const bool extreme = aggregate.function == Function::kMin || aggregate.function == Function::kMax;
    ExprPtr argument = fields_.bind(field);
    switch (argument->type.id) {
      case oid::kJsonb: {
        const bool whole = fields_.is_payload_path(field) && fields_.payload_type(field) == oid::kInt8;
        const bool exact = whole && aggregate.function == Function::kSum;
        return fields_.call(exact ? "eql_numeric" : whole && extreme ? "payload_int8" : "eql_number",
                            std::move(argument), nullptr);
      }
      case oid::kInt2:
      case oid::kInt4:
      case oid::kInt8: {
        if (extreme) return argument;
        const Oid type = aggregate.function == Function::kSum ? oid::kInt8 : oid::kFloat8;
        return coerce(std::move(argument), {type, -1}, CastContext::kExplicit, state_.parameters);
      }
      case oid::kTimestamptz:
        if (extreme) return argument;
        break;
      default: break;
    }
    return Expr::constant_of(Datum::null(oid::kFloat8), {oid::kFloat8, -1});
  }

  // Index of an output column of the aggregate by the name the user knows it by.
  Result<int> aggregate_column(const EqlField& field) const {
    const auto at = std::find_if(plan_->columns.begin(), plan_->columns.end(),
                                 [&](const OutputColumn& c) { return c.name == field.text; });
    if (at == plan_->columns.end()) {
      return bind_error(sqlstate::kSyntaxError,
                        "\"" + field.text + "\" is neither a group field nor the aggregate of this query",
                        field.position);
    }
    return static_cast<int>(at - plan_->columns.begin());
  }

  Status sort_aggregate(PlanPtr aggregate) {
    plan_ = above(PlanNode::Kind::kSort, std::move(aggregate));
    for (const EqlSortItem& item : query_.sort) {
      ASSIGN_OR_RETURN(const int index, aggregate_column(item.field));
      plan_->sort_keys.push_back(
          sort_key(Expr::column(index, plan_->columns[static_cast<size_t>(index)].type), item.descending));
    }
    return {};
  }

  Status bind_limit() {
    if (!query_.skip && !query_.take) return {};
    plan_ = above(PlanNode::Kind::kLimit, std::move(plan_));
    if (query_.take) {
      ASSIGN_OR_RETURN(plan_->limit, fields_.bind_count(*query_.take));
    }
    if (query_.skip) {
      ASSIGN_OR_RETURN(plan_->offset, fields_.bind_count(*query_.skip));
    }
    return {};
  }

  Status select_from_aggregate() {
    if (query_.select.empty()) return {};
    std::vector<ExprPtr> expressions;
    std::vector<OutputColumn> columns;
    for (const EqlField& field : query_.select) {
      ASSIGN_OR_RETURN(const int index, aggregate_column(field));
      columns.push_back(plan_->columns[static_cast<size_t>(index)]);
      expressions.push_back(Expr::column(index, columns.back().type));
    }
    project(std::move(expressions), std::move(columns));
    return {};
  }

  Status select_from_rows() {
    std::vector<ExprPtr> expressions;
    std::vector<OutputColumn> columns;
    const auto add = [&](ExprPtr expression, const std::string& name) {
      OutputColumn output{name, expression->type, 0, 0};
      if (expression->kind == Expr::Kind::kColumn) {
        output.relation_oid = events_.relation_oid();
        output.attribute_number = static_cast<int16_t>(expression->index + 1);
      }
      columns.push_back(std::move(output));
      expressions.push_back(std::move(expression));
    };
    if (query_.select.empty()) {
      for (const std::string_view name : kRowColumns) {
        if (events_.find_column(name) >= 0) add(column(name), std::string(name));
      }
    }
    for (const EqlField& field : query_.select) {
      ASSIGN_OR_RETURN(ExprPtr shown, fields_.bind_typed(field));
      add(std::move(shown), field.text);
    }
    project(std::move(expressions), std::move(columns));
    return {};
  }

  void project(std::vector<ExprPtr> expressions, std::vector<OutputColumn> columns) {
    plan_ = above(PlanNode::Kind::kProject, std::move(plan_));
    plan_->expressions = std::move(expressions);
    plan_->columns = std::move(columns);
  }

  const EqlAst& query_;
  const Relation& events_;
  BindState& state_;
  SubqueryFrame frame_;
  QueryLevel level_{frame_};
  EqlFields fields_;
  PlanPtr plan_;
};

}  // namespace

Result<PlanPtr> bind_eql(const EqlAst& query, const RelationResolver& relations, BindState& state) {
  const Relation* events = relations.find_relation("public", "events");
  if (events == nullptr) {
    return Status(sqlstate::kUndefinedTable, "relation \"events\" does not exist");
  }
  return EqlBinder(query, *events, relations, state).bind();
}

Result<BoundQuery> bind_eql(const EqlAst& query, const RelationResolver& relations,
                            std::span<const Oid> declared) {
  BindState state(declared, relations.cancel());
  BoundQuery bound;
  ASSIGN_OR_RETURN(bound.plan, bind_eql(query, relations, state));
  bound.columns = bound.plan->columns;
  ASSIGN_OR_RETURN(bound.parameter_types, state.parameters.finish());
  return bound;
}

}  // namespace eventd::engine
