#include "engine/session/planning_effort.h"

#include <algorithm>

#include "engine/plan/rules.h"

namespace eventd::engine {
namespace {

constexpr size_t kLargeTextBytes = 32 * 1024;

// Results of these may be far larger than their arguments; everything else is about linear.
constexpr std::string_view kAmplifiers[] = {"repeat",    "lpad",        "rpad",   "array_fill", "power", "pow",
                                            "dpow",      "numeric_power", "exp",  "factorial",  "numeric_exp",
                                            "numeric_fac", "round",     "format", "jsonb_pretty", "to_char"};

bool amplifies(const PlanNode& plan);

bool amplifies(const Expr& expression) {
  if (expression.function != nullptr &&
      std::find(std::begin(kAmplifiers), std::end(kAmplifiers), expression.function->name) !=
          std::end(kAmplifiers)) {
    return true;
  }
  if (expression.subquery != nullptr && amplifies(*expression.subquery->plan)) return true;
  return std::any_of(expression.children.begin(), expression.children.end(),
                     [](const ExprPtr& child) { return amplifies(*child); });
}

bool amplifies(const PlanNode& plan) {
  bool found = false;
  // Not changed: for_each_expression() takes no const node.
  for_each_expression(const_cast<PlanNode&>(plan),
                      [&](ExprPtr& expression) { found = found || amplifies(*expression); });
  return found || std::any_of(plan.children.begin(), plan.children.end(),
                              [](const PlanPtr& child) { return amplifies(*child); });
}

}  // namespace

bool may_plan_long(const PlanNode& plan, size_t text_bytes) {
  return text_bytes > kLargeTextBytes || amplifies(plan);
}

bool are_large(std::span<const Datum> parameters) {
  size_t bytes = 0;
  for (const Datum& value : parameters) {
    if (const auto* text = std::get_if<std::string>(&value.value())) bytes += text->size();
  }
  return bytes > kLargeTextBytes;
}

}  // namespace eventd::engine
