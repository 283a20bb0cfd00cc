#include "engine/exec/join_keys.h"

#include <algorithm>

namespace eventd::engine {

namespace {

enum Side : unsigned { kNoSide = 0, kLeftSide = 1, kRightSide = 2 };

/// Which inputs an expression reads; both bits also for what must not be moved.
unsigned sides_of(const Expr& expr, int left_columns) {
  if (expr.kind == Expr::Kind::kSubquery) return kLeftSide | kRightSide;
  if (expr.function != nullptr && expr.function->volatility == Volatility::kVolatile) {
    return kLeftSide | kRightSide;
  }
  if (expr.kind == Expr::Kind::kColumn) return expr.index < left_columns ? kLeftSide : kRightSide;
  unsigned sides = kNoSide;
  for (const ExprPtr& child : expr.children) sides |= sides_of(*child, left_columns);
  return sides;
}

void renumber(Expr& expr, int by) {
  if (expr.kind == Expr::Kind::kColumn) expr.index -= by;
  for (const ExprPtr& child : expr.children) renumber(*child, by);
}

/// int2 < int4 < int8, float4 < float8; 0 for others.
int width_rank(Oid type) {
  switch (type) {
    case oid::kInt2: return 1;
    case oid::kInt4: return 2;
    case oid::kInt8: return 3;
    case oid::kFloat4: return 11;
    case oid::kFloat8: return 12;
    default: return 0;
  }
}

/// date < timestamp < timestamptz; 0 for others.
int time_rank(Oid type) {
  switch (type) {
    case oid::kDate: return 1;
    case oid::kTimestamp: return 2;
    case oid::kTimestamptz: return 3;
    default: return 0;
  }
}

/// What makes a value a key of a time type; null = no such function.
const ScalarFunction* time_key_function(Oid from, Oid to) {
  const std::string_view name = to == oid::kTimestamp ? "eventd_timestamp_key" : "eventd_timestamptz_key";
  for (const ScalarFunction* function : FunctionCatalog::instance().functions(name)) {
    if (function->arguments[0] == from) return function;
  }
  return nullptr;
}

/// A term that is an equality of one side with the other.
bool take_key(const Expr& term, int left_columns, std::vector<JoinKey>& keys) {
  const bool distinct_form = term.kind == Expr::Kind::kIsNotDistinct;
  if ((term.kind != Expr::Kind::kCall && !distinct_form) || term.children.size() != 2) return false;
  const Expr* a = term.children[0].get();
  const Expr* b = term.children[1].get();
  if (term.function != nullptr ? !is_equality(term.function, a->type.id, b->type.id)
                               : !distinct_form || a->type.id != b->type.id) {
    return false;
  }
  const Oid type = hash_type_of(a->type.id, b->type.id);
  if (type == 0) return false;
  const unsigned side_a = sides_of(*a, left_columns), side_b = sides_of(*b, left_columns);
  if (side_a == kRightSide && side_b == kLeftSide) {
    std::swap(a, b);
  } else if (side_a != kLeftSide || side_b != kRightSide) {
    return false;
  }
  JoinKey key;
  key.left = as_hash_type(a->clone(), type);
  key.right = as_hash_type(b->clone(), type);
  renumber(*key.right, left_columns);
  key.nulls_equal = distinct_form;
  keys.push_back(std::move(key));
  return true;
}

}  // namespace

bool is_equality(const ScalarFunction* function, Oid left, Oid right) {
  if (function == nullptr) return false;
  const Operator* equality = FunctionCatalog::instance().find_operator("=", left, right);
  if (equality != nullptr) return equality->function == function;
  // varchar has no operators of its own: they are text's.
  const auto base = [](Oid type) { return type == oid::kVarchar ? oid::kText : type; };
  if (base(left) == left && base(right) == right) return false;
  return is_equality(function, base(left), base(right));
}

Oid hash_type_of(Oid left, Oid right) {
  if (left == right) return left;
  const int a = width_rank(left), b = width_rank(right);
  if (a != 0 && b != 0 && a / 10 == b / 10) return a > b ? left : right;
  if (time_rank(left) != 0 && time_rank(right) != 0) return time_rank(left) > time_rank(right) ? left : right;
  const auto is_text = [](Oid type) {
    return type == oid::kText || type == oid::kVarchar || type == oid::kName;
  };
  return is_text(left) && is_text(right) ? oid::kText : 0;
}

ExprPtr as_hash_type(ExprPtr expression, Oid type) {
  if (expression->type.id == type) return expression;
  if (time_rank(type) != 0) {
    std::vector<ExprPtr> arguments;
    const ScalarFunction* function = time_key_function(expression->type.id, type);
    arguments.push_back(std::move(expression));
    return Expr::call(function, {type, -1}, std::move(arguments));
  }
  const Cast* cast = FunctionCatalog::instance().cast(expression->type.id, type);
  if (cast != nullptr && cast->function != nullptr && width_rank(type) != 0) {
    std::vector<ExprPtr> arguments;
    arguments.push_back(std::move(expression));
    return Expr::call(cast->function, {type, -1}, std::move(arguments));
  }
  auto relabel = std::make_unique<Expr>();
  relabel->kind = Expr::Kind::kRelabel;
  relabel->type = {type, -1};
  relabel->children.push_back(std::move(expression));
  return relabel;
}

JoinCondition split_join_condition(const Expr* condition, int left_columns) {
  JoinCondition result;
  if (condition == nullptr) return result;
  std::vector<const Expr*> terms;
  if (condition->kind == Expr::Kind::kAnd) {
    for (const ExprPtr& child : condition->children) terms.push_back(child.get());
  } else if (condition->kind != Expr::Kind::kConstant || condition->constant.is_null() ||
             !condition->constant.as<bool>()) {
    terms.push_back(condition);
  }
  std::vector<const Expr*> rest;
  for (const Expr* term : terms) {
    if (!take_key(*term, left_columns, result.keys)) rest.push_back(term);
  }
  if (rest.size() == 1) {
    result.residual = rest[0]->clone();
  } else if (rest.size() > 1) {
    result.residual = std::make_unique<Expr>();
    result.residual->kind = Expr::Kind::kAnd;
    result.residual->type = {oid::kBool, -1};
    for (const Expr* term : rest) result.residual->children.push_back(term->clone());
  }
  return result;
}

}  // namespace eventd::engine
