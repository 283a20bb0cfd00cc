#include <algorithm>

#include "engine/exec/aggregation.h"
#include "engine/functions/aggregates.h"

namespace eventd::engine {

namespace {

/// What aggregates of WITHIN GROUP are told of their order (functions/aggregates.h).
ExprPtr order_argument(const std::vector<SortKey>& order) {
  int64_t bits = 0;
  for (size_t i = 0; i < order.size() && i < 31; ++i) {
    if (order[i].descending) bits |= kOrderDescending << (2 * i);
    if (order[i].nulls_first) bits |= kOrderNullsFirst << (2 * i);
  }
  return Expr::constant_of(Datum::int8(bits), {oid::kInt8, -1});
}

/// The place of the expression among those seen, where its value may be used again.
size_t shared_place(const Expr& argument, std::vector<const Expr*>& seen) {
  // Columns and constants are there already.
  const bool computed = argument.kind != Expr::Kind::kColumn && argument.kind != Expr::Kind::kConstant;
  if (!computed || argument.volatility() == Volatility::kVolatile) return AggregationPlan::kNotShared;
  const auto found = std::find_if(seen.begin(), seen.end(),
                                  [&](const Expr* other) { return other->equals(argument); });
  const auto place = static_cast<size_t>(found - seen.begin());
  if (found == seen.end()) seen.push_back(&argument);
  return place;
}

}  // namespace

Result<std::shared_ptr<const AggregationPlan>> AggregationPlan::compile(
    const PlanNode& node, const EvalContext& context) {
  auto plan = std::make_shared<AggregationPlan>();
  for (const ExprPtr& key : node.group_by) {
    ASSIGN_OR_RETURN(auto compiled, CompiledExpression::compile(*key, context));
    plan->keys.push_back(std::move(compiled));
    plan->key_types.push_back(key->type.id);
  }
  std::vector<const Expr*> seen;
  for (const AggregateCall& call : node.aggregates) {
    const AggregateFunction* function = call.function;
    if (function == nullptr || function->update == nullptr || function->finalize == nullptr) {
      return Status(sqlstate::kInternalError, "aggregate without an implementation");
    }
    Call compiled;
    compiled.call = &call;
    for (const ExprPtr& argument : call.arguments) {
      ASSIGN_OR_RETURN(auto expression, CompiledExpression::compile(*argument, context));
      compiled.arguments.push_back(std::move(expression));
      compiled.shared.push_back(shared_place(*argument, seen));
    }
    if (call.filter != nullptr) {
      ASSIGN_OR_RETURN(compiled.filter, CompiledExpression::compile(*call.filter, context));
    }
    if (orders_its_rows(*function)) {
      plan->own_arguments.push_back(order_argument(call.order));
      ASSIGN_OR_RETURN(auto order, CompiledExpression::compile(*plan->own_arguments.back(), context));
      compiled.arguments.push_back(std::move(order));
      compiled.shared.push_back(AggregationPlan::kNotShared);
    } else if (!call.order.empty()) {
      ASSIGN_OR_RETURN(compiled.order, SortOrder::compile(call.order, context));
    }
    compiled.state_offset = plan->state_bytes;
    plan->state_bytes += (function->state_size + 15) / 16 * 16;
    plan->calls.push_back(std::move(compiled));
  }
  plan->shared_arguments = seen.size();
  return std::shared_ptr<const AggregationPlan>(std::move(plan));
}

Result<std::shared_ptr<const AggregationPlan>> AggregationPlan::distinct(
    const std::vector<OutputColumn>& columns, const EvalContext& context) {
  auto plan = std::make_shared<AggregationPlan>();
  for (size_t i = 0; i < columns.size(); ++i) {
    plan->own_keys.push_back(Expr::column(static_cast<int>(i), columns[i].type));
    ASSIGN_OR_RETURN(auto compiled, CompiledExpression::compile(*plan->own_keys.back(), context));
    plan->keys.push_back(std::move(compiled));
    plan->key_types.push_back(columns[i].type.id);
  }
  return std::shared_ptr<const AggregationPlan>(std::move(plan));
}

bool AggregationPlan::can_split() const {
  for (const Call& call : calls) {
    if (call.call->function->combine == nullptr || call.call->distinct || call.order != nullptr) {
      return false;
    }
  }
  return true;
}

}  // namespace eventd::engine
