// time_bucket_gapfill(…) among the keys of a grouped query, locf(…) and interpolate(…) above it: the
// GapFill node they become. Messages are TimescaleDB's.
#include <climits>

#include "engine/plan/coercion.h"
#include "engine/plan/gap_range.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/select_binder.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

constexpr std::string_view kGapFillFunction = "time_bucket_gapfill";

bool is_call_of(const Expr& expression, std::string_view name) {
  return expression.kind == Expr::Kind::kCall && expression.function->name == name;
}

bool is_gap_call(const Expr& expression) {
  return is_call_of(expression, "locf") || is_call_of(expression, "interpolate");
}

const Expr* find_call(const Expr& expression, bool (*wanted)(const Expr&)) {
  if (wanted(expression)) return &expression;
  for (const ExprPtr& child : expression.children) {
    if (const Expr* found = find_call(*child, wanted)) return found;
  }
  return nullptr;
}

bool is_gap_fill(const Expr& expression) { return is_call_of(expression, kGapFillFunction); }

bool is_null_constant(const Expr& expression) {
  return expression.kind == Expr::Kind::kConstant && expression.constant.is_null();
}

/// A value that may have been left out.
ExprPtr unless_null(ExprPtr expression) {
  const Expr* inner = expression.get();
  while (inner->kind == Expr::Kind::kRelabel) inner = inner->children[0].get();
  return is_null_constant(*inner) ? nullptr : std::move(expression);
}

Error gap_fill_error(std::string message, int position) {
  Error error = bind_error(sqlstate::kInvalidParameterValue, std::move(message), position);
  error.hint = "Specify start and finish as arguments or in the WHERE clause.";
  return error;
}

/// All of one list: the largest (smallest) of them.
ExprPtr extreme_of(std::vector<ExprPtr> bounds, Expr::Kind kind) {
  if (bounds.size() == 1) return std::move(bounds[0]);
  auto extreme = std::make_unique<Expr>();
  extreme->kind = kind;
  extreme->type = bounds[0]->type;
  extreme->children = std::move(bounds);
  return extreme;
}

}  // namespace

// Turns the key time_bucket_gapfill(…) into time_bucket(…) and notes what it says in
// block.gap_fill. The key's index, -1: there is none.
Result<int> SelectBinder::prepare_gap_fill(Block& block) {
  int key = -1;
  const Expr* nested = nullptr;
  for (size_t i = 0; i < block.group_by.size(); ++i) {
    Expr& expression = *block.group_by[i];
    if (!is_gap_fill(expression)) {
      if (nested == nullptr) nested = find_call(expression, is_gap_fill);
      continue;
    }
    if (key >= 0) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "multiple time_bucket_gapfill calls not allowed", expression.position);
    }
    key = static_cast<int>(i);
    for (const ExprPtr& argument : expression.children) {
      if (nested == nullptr) nested = find_call(*argument, is_gap_fill);
    }
  }
  for (const ExprPtr& target : block.targets) {
    if (nested == nullptr) nested = find_call(*target, is_gap_fill);
  }
  if (nested != nullptr) {
    return bind_error(sqlstate::kInvalidParameterValue,
                      "no top level time_bucket_gapfill in group by clause", nested->position);
  }
  if (key < 0) return key;
  ExprPtr call = std::move(block.group_by[static_cast<size_t>(key)]);
  const int position = call->position;
  if (!block.grouping_sets.empty()) {
    return not_supported_yet("time_bucket_gapfill with grouping sets", position);
  }
  GapFill& fill = block.gap_fill;
  std::vector<ExprPtr> arguments = std::move(call->children);
  fill.width = std::move(arguments[0]);
  if (!reads_only_columns(*fill.width, 0, 0) || is_volatile(*fill.width)) {
    return bind_error(sqlstate::kInvalidParameterValue,
                      "invalid time_bucket_gapfill argument: bucket_width must be a simple expression",
                      fill.width->position);
  }
  if (arguments.size() == 5) {
    fill.zone = std::move(arguments[2]);
    if (!reads_only_columns(*fill.zone, 0, 0) || is_volatile(*fill.zone)) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "time_bucket_gapfill does not support non-constant timezone",
                        fill.zone->position);
    }
  }
  std::vector<ExprPtr> given;
  for (size_t i = arguments.size() - 2; i < arguments.size(); ++i) {
    given.push_back(unless_null(std::move(arguments[i])));
  }
  RETURN_IF_ERROR(bind_gap_range(block, *arguments[1], std::move(given)));
  ASSIGN_OR_RETURN(fill.start, gap_bucket(block, std::move(fill.start), position));
  ASSIGN_OR_RETURN(block.group_by[static_cast<size_t>(key)],
                   gap_bucket(block, std::move(arguments[1]), position));
  return key;
}

// time_bucket(…) of the call's width and zone.
Result<ExprPtr> SelectBinder::gap_bucket(const Block& block, ExprPtr time, int position) {
  const GapFill& fill = block.gap_fill;
  std::vector<ExprPtr> arguments;
  arguments.push_back(fill.width->clone());
  arguments.push_back(std::move(time));
  if (fill.zone != nullptr) arguments.push_back(fill.zone->clone());
  QueryLevel no_columns(*block.level.frame);
  ExpressionBinder binder(state_, no_columns, "GROUP BY");
  return binder.bind_function("time_bucket", std::move(arguments), position);
}

// start and finish: `given` (null: not), or what the conditions on the time say.
Status SelectBinder::bind_gap_range(Block& block, const Expr& time, std::vector<ExprPtr> given) {
  static constexpr std::string_view kNames[] = {"start", "finish"};
  ExprPtr* const parts[] = {&block.gap_fill.start, &block.gap_fill.finish};
  GapRange range;
  if (given[0] == nullptr || given[1] == nullptr) {
    if (time.kind != Expr::Kind::kColumn) {
      return gap_fill_error("invalid time_bucket_gapfill argument: ts needs to refer to a single "
                            "column if no start or finish is supplied",
                            time.position);
    }
    QueryLevel no_columns(*block.level.frame);
    ExpressionBinder binder(state_, no_columns, "WHERE");
    ASSIGN_OR_RETURN(range, find_gap_range(*block.plan, time.index, binder, state_.parameters));
  }
  for (size_t i = 0; i < 2; ++i) {
    const std::string name(kNames[i]);
    if (given[i] != nullptr) {
      if (!reads_only_columns(*given[i], 0, 0) || is_volatile(*given[i])) {
        return bind_error(sqlstate::kInvalidParameterValue,
                          "invalid time_bucket_gapfill argument: " + name +
                              " must be a simple expression",
                          given[i]->position);
      }
      *parts[i] = std::move(given[i]);
      continue;
    }
    std::vector<ExprPtr>& bounds = i == 0 ? range.lower : range.upper;
    if (bounds.empty()) {
      return gap_fill_error("missing time_bucket_gapfill argument: could not infer " + name +
                                " from WHERE clause",
                            time.position);
    }
    *parts[i] = extreme_of(std::move(bounds), i == 0 ? Expr::Kind::kGreatest : Expr::Kind::kLeast);
  }
  return {};
}

// Puts the GapFill above the grouped rows; `keys` of their columns are group keys.
Status SelectBinder::place_gap_fill(Block& block, size_t bucket, size_t keys) {
  PlanPtr node = plan_above(PlanNode::Kind::kGapFill, std::move(block.plan));
  node->gap_fill = std::move(block.gap_fill);
  node->gap_fill.bucket = column_of(*node, static_cast<int>(bucket));
  for (size_t i = 0; i < keys; ++i) {
    if (i != bucket) node->group_by.push_back(column_of(*node, static_cast<int>(i)));
  }
  const auto take = [&](ExprPtr& expression) {
    return expression == nullptr ? Status() : take_gap_calls(expression, *node);
  };
  for (ExprPtr& target : block.targets) RETURN_IF_ERROR(take(target));
  for (BoundWindowCall& bound : block.level.window_calls) {
    for (ExprPtr& argument : bound.call.arguments) RETURN_IF_ERROR(take(argument));
    RETURN_IF_ERROR(take(bound.call.filter));
  }
  for (BoundWindow& window : block.level.windows) {
    for (ExprPtr& expression : window.partition_by) RETURN_IF_ERROR(take(expression));
    for (SortKey& key : window.order_by) RETURN_IF_ERROR(take(key.expression));
  }
  for (SetCall& call : block.level.set_calls) {
    for (ExprPtr& argument : call.arguments) RETURN_IF_ERROR(take(argument));
  }
  block.plan = std::move(node);
  return {};
}

// locf(…) and interpolate(…) anywhere below become columns of the node.
Status SelectBinder::take_gap_calls(ExprPtr& expression, PlanNode& node) {
  RETURN_IF_ERROR(check_stack_depth());
  if (is_gap_call(*expression)) {
    ASSIGN_OR_RETURN(expression, gap_call_column(std::move(expression), node));
    return {};
  }
  for (ExprPtr& child : expression->children) RETURN_IF_ERROR(take_gap_calls(child, node));
  return {};
}

Result<ExprPtr> SelectBinder::gap_call_column(ExprPtr call, PlanNode& node) {
  const std::string name(call->function->name);
  for (const ExprPtr& argument : call->children) {
    if (find_call(*argument, is_gap_call) != nullptr) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "multiple interpolate/locf function calls per resultset column not supported",
                        call->position);
    }
    if (reads_columns(*argument, kWindowColumnBase, kSetColumnBase)) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "window functions must not be below " + name, call->position);
    }
    if (reads_columns(*argument, kSetColumnBase, INT_MAX)) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "set-returning functions must not be below " + name, call->position);
    }
  }
  GapCall made;
  made.type = call->type;
  made.value = std::move(call->children[0]);
  made.before = unless_null(std::move(call->children[1]));
  if (name == "locf") {
    const Expr& skip = *call->children[2];
    if (skip.kind != Expr::Kind::kConstant || skip.constant.is_null()) {
      return bind_error(sqlstate::kInvalidParameterValue,
                        "invalid locf argument: treat_null_as_missing must be a BOOL literal",
                        call->position);
    }
    made.skip_nulls = skip.constant.as<bool>();
  } else {
    made.kind = GapCall::Kind::kInterpolate;
    made.after = unless_null(std::move(call->children[2]));
  }
  const int column = static_cast<int>(node.columns.size());
  node.columns.push_back({name, made.type, 0, 0});
  node.gap_fill.calls.push_back(std::move(made));
  ExprPtr result = Expr::column(column, node.columns.back().type);
  result->position = call->position;
  return result;
}

}  // namespace eventd::engine
