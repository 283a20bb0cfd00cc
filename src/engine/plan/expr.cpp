#include "engine/plan/expr.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "engine/plan/logical_plan.h"
#include "engine/plan/plan_equality.h"

namespace eventd::engine {
namespace {

/// The same bytes: NaN is itself, and -0 is not 0.
bool same_constant(const Datum& a, const Datum& b) {
  const auto* left = std::get_if<double>(&a.value());
  const auto* right = std::get_if<double>(&b.value());
  if (left != nullptr && right != nullptr) {
    return a.type() == b.type() &&
           std::bit_cast<uint64_t>(*left) == std::bit_cast<uint64_t>(*right);
  }
  const auto* small_left = std::get_if<float>(&a.value());
  const auto* small_right = std::get_if<float>(&b.value());
  if (small_left != nullptr && small_right != nullptr) {
    return a.type() == b.type() &&
           std::bit_cast<uint32_t>(*small_left) == std::bit_cast<uint32_t>(*small_right);
  }
  return a == b;
}

}  // namespace

Expr::Expr() = default;
Expr::~Expr() = default;
Subquery::Subquery() = default;
Subquery::~Subquery() = default;

std::unique_ptr<Subquery> Subquery::clone() const {
  auto result = std::make_unique<Subquery>();
  result->kind = kind;
  result->plan = plan->clone();
  if (comparison != nullptr) result->comparison = comparison->clone();
  return result;
}

ExprPtr Expr::outer(int index, Type type) {
  auto result = std::make_unique<Expr>();
  result->kind = Kind::kOuter;
  result->index = index;
  result->type = type;
  return result;
}

ExprPtr Expr::column(int index, Type type) {
  auto result = std::make_unique<Expr>();
  result->kind = Kind::kColumn;
  result->index = index;
  result->type = type;
  return result;
}

ExprPtr Expr::constant_of(Datum value, Type type) {
  auto result = std::make_unique<Expr>();
  result->kind = Kind::kConstant;
  result->type = type;
  result->constant = std::move(value);
  return result;
}

ExprPtr Expr::call(const ScalarFunction* function, Type type, std::vector<ExprPtr> children) {
  auto result = std::make_unique<Expr>();
  result->kind = Kind::kCall;
  result->type = type;
  result->function = function;
  result->children = std::move(children);
  return result;
}

ExprPtr Expr::clone() const {
  auto result = std::make_unique<Expr>();
  result->kind = kind;
  result->type = type;
  result->index = index;
  result->position = position;
  result->path_as_text = path_as_text;
  result->function = function;
  result->constant = constant;
  result->path = path;
  result->children.reserve(children.size());
  for (const ExprPtr& child : children) result->children.push_back(child->clone());
  if (subquery != nullptr) result->subquery = subquery->clone();
  return result;
}

bool Expr::equals(const Expr& other) const {
  if (this == &other) return true;
  if ((subquery == nullptr) != (other.subquery == nullptr)) return false;
  if (kind != other.kind || type != other.type || index != other.index ||
      path_as_text != other.path_as_text || function != other.function ||
      children.size() != other.children.size() || path != other.path ||
      !same_constant(constant, other.constant)) {
    return false;
  }
  for (size_t i = 0; i < children.size(); ++i) {
    if (!children[i]->equals(*other.children[i])) return false;
  }
  return subquery == nullptr || subqueries_equal(*subquery, *other.subquery);
}

uint64_t Expr::hash() const {
  const auto mix = [](uint64_t seed, uint64_t value) {
    return (seed ^ value) * 0x9E3779B97F4A7C15ULL + (seed >> 29);
  };
  uint64_t result = mix(static_cast<uint64_t>(kind) + 1, type.id);
  result = mix(result, static_cast<uint64_t>(index));
  result = mix(result, std::hash<const void*>()(function));
  if (!constant.is_null()) {
    result = mix(result, constant.value().index());
    if (const auto* bytes = std::get_if<std::string>(&constant.value())) {
      result = mix(result, std::hash<std::string>()(*bytes));
    } else if (const auto* number = std::get_if<int64_t>(&constant.value())) {
      result = mix(result, static_cast<uint64_t>(*number));
    } else if (const auto* small = std::get_if<int32_t>(&constant.value())) {
      result = mix(result, static_cast<uint64_t>(*small));
    }
  }
  for (const std::string& key : path) result = mix(result, std::hash<std::string>()(key));
  for (const ExprPtr& child : children) result = mix(result, child->hash());
  return result;
}

Volatility Expr::volatility() const {
  Volatility highest = function == nullptr ? Volatility::kImmutable : function->volatility;
  if (subquery != nullptr) highest = std::max(highest, plan_volatility(*subquery->plan));
  for (const ExprPtr& child : children) highest = std::max(highest, child->volatility());
  return highest;
}

bool Expr::is_foldable() const {
  if (kind == Kind::kColumn || kind == Kind::kParameter || kind == Kind::kOuter ||
      kind == Kind::kSubquery) {
    return false;
  }
  if (function != nullptr && function->volatility == Volatility::kVolatile) return false;
  return std::all_of(children.begin(), children.end(),
                     [](const ExprPtr& child) { return child->is_foldable(); });
}

}  // namespace eventd::engine
