// Aggregate calls and GROUPING(…): what they mean and which query they belong to.
#include <algorithm>
#include <climits>

#include "engine/functions/aggregates.h"
#include "engine/limits.h"
#include "engine/plan/clause_rules.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {
namespace {

// The frames from a level outwards: outside(0) is what a level's kOuter goes through first.
struct FrameChain {
  explicit FrameChain(QueryLevel& level) {
    for (QueryLevel* at = &level; at != nullptr; at = at->frame->parent) {
      levels.push_back(at);
      sizes.push_back(at->frame->arguments.size());
    }
  }
  // Forgets arguments that only a call needed that moved outwards itself.
  void restore(size_t frames) const {
    for (size_t i = 0; i < frames; ++i) levels[i]->frame->arguments.resize(sizes[i]);
  }
  std::vector<QueryLevel*> levels;
  std::vector<size_t> sizes;
};

// How many levels out the nearest column below is; INT_MAX = there is none.
int nearest_level(const Expr& expression, const FrameChain& chain, size_t at) {
  if (expression.kind == Expr::Kind::kColumn) return static_cast<int>(at);
  if (expression.kind == Expr::Kind::kOuter && at < chain.levels.size()) {
    const SubqueryFrame& frame = *chain.levels[at]->frame;
    return nearest_level(*frame.arguments[static_cast<size_t>(expression.index)], chain, at + 1);
  }
  int nearest = INT_MAX;
  for (const ExprPtr& child : expression.children) {
    nearest = std::min(nearest, nearest_level(*child, chain, at));
  }
  return nearest;
}

// The first column below, of level `wanted`, with an index in [first, end).
const Expr* find_column_between(const Expr& expression, const FrameChain& chain, size_t at,
                                size_t wanted, int first, int end) {
  if (expression.kind == Expr::Kind::kColumn) {
    return at == wanted && expression.index >= first && expression.index < end ? &expression
                                                                               : nullptr;
  }
  if (expression.kind == Expr::Kind::kOuter && at < wanted) {
    const SubqueryFrame& frame = *chain.levels[at]->frame;
    return find_column_between(*frame.arguments[static_cast<size_t>(expression.index)], chain,
                               at + 1, wanted, first, end);
  }
  for (const ExprPtr& child : expression.children) {
    if (const Expr* found = find_column_between(*child, chain, at, wanted, first, end)) return found;
  }
  return nullptr;
}

// An expression over a level as one over the level around it. REQUIRES: no column of its own.
void move_outwards(ExprPtr& expression, const SubqueryFrame& frame) {
  if (expression->kind == Expr::Kind::kOuter) {
    const int position = expression->position;
    expression = frame.arguments[static_cast<size_t>(expression->index)]->clone();
    expression->position = position;
    return;
  }
  for (ExprPtr& child : expression->children) move_outwards(child, frame);
}

template <class Visit>
void for_each_part(AggregateCall& call, const Visit& visit) {
  for (ExprPtr& argument : call.arguments) visit(argument);
  if (call.filter != nullptr) visit(call.filter);
  for (SortKey& key : call.order) visit(key.expression);
}

// Functions that collect their input get distinct values in order, as PostgreSQL sorts to find them.
void order_distinct_values(AggregateCall& call) {
  for (const ExprPtr& argument : call.arguments) {
    const bool ordered = std::any_of(call.order.begin(), call.order.end(), [&](const SortKey& key) {
      return key.expression->equals(*argument);
    });
    if (!ordered) call.order.push_back({argument->clone(), false, false, false});
  }
}

// The argument an ORDER BY key inside the call is, -1: none. A literal that has become a value of the
// argument's type is not the one in ORDER BY, as in PostgreSQL.
int argument_of_key(const Expr& key, const std::vector<ExprPtr>& written,
                    const Candidate& candidate) {
  for (size_t i = 0; i < written.size(); ++i) {
    const size_t declared = std::min(i + 1, candidate.arguments.size());
    const bool typed = written[i]->type.id != oid::kUnknown ||
                       (declared > 0 && candidate.arguments[declared - 1] == oid::kAny);
    if (typed && written[i]->equals(key)) return static_cast<int>(i);
  }
  return -1;
}

// The column of level `outward` as seen from the innermost one.
ExprPtr bring_inwards(ExprPtr column, const FrameChain& chain, size_t outward) {
  for (size_t i = outward; i-- > 0;) column = chain.levels[i]->frame->argument(std::move(column));
  return column;
}

// rank(a, b) WITHIN GROUP (ORDER BY x, y): a and x, b and y get one type, as many of them.
Status unify_hypothetical(std::vector<ExprPtr>& arguments, size_t ordered, const AstExpr& ast,
                          ParameterTypes& parameters) {
  const size_t direct = arguments.size() - ordered;
  if (direct != ordered) {
    std::string types;
    for (const ExprPtr& argument : arguments) {
      types += (types.empty() ? "" : ", ") + format_type({argument->type.id, -1});
    }
    Error error = bind_error(sqlstate::kUndefinedFunction,
                             "function " + ast.names.back() + "(" + types + ") does not exist",
                             ast.position);
    error.hint = "To use the hypothetical-set aggregate " + ast.names.back() +
                 ", the number of hypothetical direct arguments (here " + std::to_string(direct) +
                 ") must match the number of ordering columns (here " + std::to_string(ordered) + ").";
    return error;
  }
  for (size_t i = 0; i < direct; ++i) {
    std::vector<ExprPtr> pair;
    pair.push_back(std::move(arguments[direct + i]));
    pair.push_back(std::move(arguments[i]));
    ASSIGN_OR_RETURN(const Oid type, common_type(pair, "WITHIN GROUP"));
    RETURN_IF_ERROR(coerce_all(pair, type, "WITHIN GROUP", parameters));
    arguments[direct + i] = std::move(pair[0]);
    arguments[i] = std::move(pair[1]);
  }
  return {};
}

bool is_hypothetical(std::string_view name) {
  return name == "rank" || name == "dense_rank" || name == "percent_rank" || name == "cume_dist";
}

}  // namespace

Result<std::vector<SortKey>> ExpressionBinder::bind_call_order(const AstExpr& ast) {
  std::vector<SortKey> order;
  for (const AstSortItem& item : ast.call->order) {
    SortKey sort;
    ASSIGN_OR_RETURN(sort.expression, bind(*item.expression));
    sort.descending = item.descending;
    sort.nulls_first = item.nulls == AstSortItem::Nulls::kDefault
                           ? item.descending
                           : item.nulls == AstSortItem::Nulls::kFirst;
    order.push_back(std::move(sort));
  }
  return order;
}

Result<ExprPtr> ExpressionBinder::bind_filter(const AstExpr& ast) {
  if (ast.call == nullptr || ast.call->filter == nullptr) return ExprPtr();
  ExpressionBinder binder(state_, level_, "FILTER");
  return binder.bind_boolean_child(*ast.call->filter, "FILTER");
}

// PostgreSQL's rule: an aggregate belongs to the nearest query one of whose columns it reads, to its
// own when it reads none. check_agglevels_and_constraints().
Result<ExprPtr> ExpressionBinder::place_aggregate(AggregateCall call,
                                                  std::span<const size_t> frame_sizes,
                                                  int position) {
  FrameChain chain(level_);
  std::copy(frame_sizes.begin(), frame_sizes.end(), chain.sizes.begin());
  int nearest = INT_MAX;
  for_each_part(call, [&](ExprPtr& part) {
    nearest = std::min(nearest, nearest_level(*part, chain, 0));
  });
  const size_t owner = nearest == INT_MAX ? 0 : static_cast<size_t>(nearest);
  const auto find = [&](int first, int end, size_t wanted) -> const Expr* {
    const Expr* found = nullptr;
    for_each_part(call, [&](ExprPtr& part) {
      if (found == nullptr) found = find_column_between(*part, chain, 0, wanted, first, end);
    });
    return found;
  };
  if (const Expr* nested = find(kAggregateColumnBase, kGroupingColumnBase, owner)) {
    return bind_error(sqlstate::kGroupingError, "aggregate function calls cannot be nested",
                      nested->position);
  }
  if (const Expr* window = find(kWindowColumnBase, kSetColumnBase, 0)) {
    return bind_error(sqlstate::kGroupingError,
                      "aggregate function calls cannot contain window function calls",
                      window->position);
  }
  if (const Expr* set = find(kSetColumnBase, INT_MAX, 0)) {
    return set_function_inside(
        "aggregate function calls cannot contain set-returning function calls", set->position);
  }
  QueryLevel& target = *chain.levels[owner];
  RETURN_IF_ERROR(check_aggregate_allowed(owner == 0 ? clause_ : target.clause, position));
  for (size_t i = 0; i < owner; ++i) {
    for_each_part(call, [&](ExprPtr& part) { move_outwards(part, *chain.levels[i]->frame); });
  }
  chain.restore(owner);
  return bring_inwards(target.add_aggregate(std::move(call), position), chain, owner);
}

std::vector<size_t> ExpressionBinder::frame_sizes() {
  return FrameChain(level_).sizes;
}

Result<AggregateCall> ExpressionBinder::make_aggregate(const AggregateFunction& function,
                                                       const Candidate& candidate,
                                                       std::vector<ExprPtr> arguments) {
  AggregateCall call;
  call.function = &function;
  std::vector<Oid> actual;
  for (const ExprPtr& argument : arguments) actual.push_back(argument->type.id);
  const PolymorphicTypes types = resolve_polymorphic(candidate.arguments, actual);
  ASSIGN_OR_RETURN(call.arguments, coerce_arguments(candidate, types, std::move(arguments)));
  call.type = {resolve_result(function.result, types), -1};
  if (function.resolve_result != nullptr) {
    std::vector<Type> argument_types;
    for (const ExprPtr& argument : call.arguments) argument_types.push_back(argument->type);
    call.type = function.resolve_result(argument_types);
  }
  return call;
}

Result<ExprPtr> ExpressionBinder::bind_aggregate_call(const AggregateFunction& function,
                                                      const Candidate& candidate,
                                                      std::vector<ExprPtr> arguments,
                                                      std::vector<SortKey> order,
                                                      std::span<const size_t> frame_sizes,
                                                      const AstExpr& ast) {
  const AstCallOptions* options = ast.call.get();
  const bool within_group = options != nullptr && options->within_group;
  if (arguments.empty() && !(options != nullptr && options->star)) {
    return bind_error(sqlstate::kWrongObjectType,
                      ast.names.back() +
                          "(*) must be used to call a parameterless aggregate function",
                      ast.position);
  }
  if (within_group && is_hypothetical(function.name)) {
    RETURN_IF_ERROR(unify_hypothetical(arguments, order.size(), ast, state_.parameters));
  }
  // Arguments as written: what they are turned into for the call is no part of ORDER BY's.
  std::vector<ExprPtr> written;
  for (const ExprPtr& argument : arguments) written.push_back(argument->clone());
  ASSIGN_OR_RETURN(AggregateCall call, make_aggregate(function, candidate, std::move(arguments)));
  call.distinct = options != nullptr && options->distinct;
  call.order = std::move(order);
  if (is_counter_aggregate(function)) {
    call.order.clear();
    call.order.push_back({call.arguments[1]->clone(), false, false, false});
  }
  for (size_t i = 0; i < call.order.size(); ++i) {
    SortKey& key = call.order[i];
    if (within_group) {
      // The ordered arguments are the last ones of the call, coerced to its types.
      key.expression = call.arguments[call.arguments.size() - call.order.size() + i]->clone();
      continue;
    }
    const int argument = argument_of_key(*key.expression, written, candidate);
    if (argument >= 0) {
      key.expression = call.arguments[static_cast<size_t>(argument)]->clone();
      continue;
    }
    if (call.distinct) {
      return bind_error(sqlstate::kInvalidColumnReference,
                        "in an aggregate with DISTINCT, ORDER BY expressions must appear in "
                        "argument list",
                        leftmost_position(*ast.call->order[i].expression));
    }
    ASSIGN_OR_RETURN(key.expression, resolve_unknown(std::move(key.expression), state_.parameters));
  }
  if (call.distinct && function.memory_bytes != nullptr) order_distinct_values(call);
  ASSIGN_OR_RETURN(call.filter, bind_filter(ast));
  return place_aggregate(std::move(call), frame_sizes, ast.position);
}

// GROUPING(a, b): like an aggregate of the query whose groups it asks about.
Result<ExprPtr> ExpressionBinder::bind_grouping_call(const AstExpr& ast) {
  if (ast.children.size() > 31) {
    return bind_error(sqlstate::kTooManyArguments, "GROUPING must have fewer than 32 arguments",
                      ast.position);
  }
  FrameChain chain(level_);
  ASSIGN_OR_RETURN(std::vector<ExprPtr> arguments, bind_all(ast.children));
  int nearest = INT_MAX;
  for (const ExprPtr& argument : arguments) {
    nearest = std::min(nearest, nearest_level(*argument, chain, 0));
  }
  const size_t owner = nearest == INT_MAX ? 0 : static_cast<size_t>(nearest);
  for (const ExprPtr& argument : arguments) {
    if (const Expr* nested = find_column_between(*argument, chain, 0, owner, kAggregateColumnBase,
                                                 kGroupingColumnBase)) {
      return bind_error(sqlstate::kGroupingError, "aggregate function calls cannot be nested",
                        nested->position);
    }
  }
  QueryLevel& target = *chain.levels[owner];
  RETURN_IF_ERROR(check_aggregate_allowed(owner == 0 ? clause_ : target.clause, ast.position, true));
  for (size_t i = 0; i < owner; ++i) {
    for (ExprPtr& argument : arguments) move_outwards(argument, *chain.levels[i]->frame);
  }
  chain.restore(owner);
  target.groupings.push_back(std::move(arguments));
  ExprPtr column = Expr::column(
      kGroupingColumnBase + static_cast<int>(target.groupings.size()) - 1, {oid::kInt4, -1});
  column->position = ast.position;
  return bring_inwards(std::move(column), chain, owner);
}

}  // namespace eventd::engine
