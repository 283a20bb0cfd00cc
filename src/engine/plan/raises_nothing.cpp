#include "engine/plan/raises_nothing.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

bool is_comparison_of_values(const ScalarFunction* function) {
  if (function == nullptr || function->arguments.size() != 2) return false;
  const Oid left = function->arguments[0], right = function->arguments[1];
  for (const Oid type : {left, right}) {  // records of other columns cannot be compared
    if (type == oid::kRecord || type_info(type).category == 'A') return false;
  }
  for (const std::string_view name : {"=", "<>", "<", "<=", ">", ">="}) {
    const Operator* found = FunctionCatalog::instance().find_operator(name, left, right);
    if (found != nullptr && found->function == function) return true;
  }
  return false;
}

bool is_harmless(const ScalarFunction* function) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "jsonb_object_field", "jsonb_object_field_text", "jsonb_exists", "lower", "upper",
      "starts_with",        "length",                  "now"};
  return function != nullptr &&
         (std::find(kNames.begin(), kNames.end(), function->name) != kNames.end() ||
          is_comparison_of_values(function));
}

bool is_harmless(const AggregateCall& call) {
  if (call.function == nullptr) return false;
  const std::string_view name = call.function->name;
  for (const std::string_view each : {"count", "min", "max", "bool_and", "bool_or", "every"}) {
    if (name == each) return true;
  }
  if ((name != "sum" && name != "avg") || call.arguments.empty()) return false;
  const Oid type = call.arguments[0]->type.id;  // those of floats overflow
  return type == oid::kInt2 || type == oid::kInt4 || type == oid::kInt8 || type == oid::kNumeric;
}

bool is_harmless(Expr::Kind kind) {
  switch (kind) {
    case Expr::Kind::kColumn:
    case Expr::Kind::kConstant:
    case Expr::Kind::kOuter:
    case Expr::Kind::kRelabel:
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr:
    case Expr::Kind::kNot:
    case Expr::Kind::kIsNull:
    case Expr::Kind::kIsNotNull:
    case Expr::Kind::kIsTrue:
    case Expr::Kind::kIsNotTrue:
    case Expr::Kind::kIsFalse:
    case Expr::Kind::kIsNotFalse:
    case Expr::Kind::kIsUnknown:
    case Expr::Kind::kIsNotUnknown:
    case Expr::Kind::kCase:
    case Expr::Kind::kCoalesce:
    case Expr::Kind::kPayloadPath: return true;
    default: return false;
  }
}

bool is_harmless(PlanNode::Kind kind) {
  switch (kind) {
    case PlanNode::Kind::kScan:
    case PlanNode::Kind::kValues:
    case PlanNode::Kind::kFilter:
    case PlanNode::Kind::kProject:
    case PlanNode::Kind::kAggregate:
    case PlanNode::Kind::kDistinct:
    case PlanNode::Kind::kDistinctOn:
    case PlanNode::Kind::kSort:
    case PlanNode::Kind::kLimit:
    case PlanNode::Kind::kAppend:
    case PlanNode::Kind::kJoin: return true;
    default: return false;
  }
}

}  // namespace

bool raises_nothing(const Expr& expression) {
  if (!check_stack_depth().ok()) return false;
  switch (expression.kind) {
    case Expr::Kind::kCall:
      if (!is_harmless(expression.function)) return false;
      break;
    case Expr::Kind::kInList:
    case Expr::Kind::kAnyArray:
    case Expr::Kind::kNullIf:
    case Expr::Kind::kIsDistinct:
    case Expr::Kind::kIsNotDistinct:
      if (!is_comparison_of_values(expression.function)) return false;
      break;
    default:
      if (!is_harmless(expression.kind)) return false;
  }
  return std::all_of(expression.children.begin(), expression.children.end(),
                     [](const ExprPtr& child) { return raises_nothing(*child); });
}

bool raises_nothing(const PlanNode& plan) {
  if (!check_stack_depth().ok() || !is_harmless(plan.kind)) return false;
  bool harmless = std::all_of(plan.aggregates.begin(), plan.aggregates.end(),
                              [](const AggregateCall& call) { return is_harmless(call); });
  // for_each_expression() visits to change; nothing is changed here.
  for_each_expression(const_cast<PlanNode&>(plan), [&](ExprPtr& expression) {
    harmless = harmless && raises_nothing(*expression);
  });
  return harmless && std::all_of(plan.children.begin(), plan.children.end(),
                                 [](const PlanPtr& child) { return raises_nothing(*child); });
}

}  // namespace eventd::engine
