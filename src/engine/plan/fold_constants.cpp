#include "engine/plan/fold_constants.h"

#include <optional>

#include "engine/plan/rules.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

using Kind = Expr::Kind;

bool is_constant(const ExprPtr& expression) { return expression->kind == Kind::kConstant; }
bool is_null(const ExprPtr& expression) {
  return is_constant(expression) && expression->constant.is_null();
}
bool all_constant(const Expr& expression) {
  for (const ExprPtr& child : expression.children) {
    if (!is_constant(child)) return false;
  }
  return true;
}

/// NULL is nullopt.
std::optional<bool> truth(const ExprPtr& expression) {
  if (expression->constant.is_null()) return std::nullopt;
  return expression->constant.as<bool>();
}

Vector one_row(const Datum& value, Oid type) {
  return value.is_null() ? Vector::null_constant(type, 1) : Vector::constant(value, 1);
}

ExprPtr constant_like(const Expr& expression, Datum value) {
  if (value.is_null()) value = Datum::null(expression.type.id);
  ExprPtr result = Expr::constant_of(std::move(value), expression.type);
  result->position = expression.position;
  return result;
}

/// function(children) for constant children.
Result<Datum> call_once(const ScalarFunction& function, const std::vector<ExprPtr>& children,
                        Type result_type, const EvalContext& context) {
  std::vector<Vector> arguments;
  std::vector<const Datum*> constants;
  for (const ExprPtr& child : children) {
    if (function.strict && child->constant.is_null()) return Datum::null(result_type.id);
    arguments.push_back(one_row(child->constant, child->type.id));
    constants.push_back(&child->constant);
  }
  std::shared_ptr<const CallState> state;
  if (function.prepare != nullptr) {
    ASSIGN_OR_RETURN(state, function.prepare(function, constants));
  }
  const CallFrame frame{context, arguments, 1, result_type, state.get()};
  Vector result;
  RETURN_IF_ERROR(function.kernel(frame, result));
  return result.datum(0);
}

/// The equality `function` of two constants; nullopt = NULL.
Result<std::optional<bool>> equal(const ScalarFunction& function, const ExprPtr& left,
                                  const ExprPtr& right, const EvalContext& context) {
  std::vector<ExprPtr> children;
  children.push_back(left->clone());
  children.push_back(right->clone());
  ASSIGN_OR_RETURN(const Datum value, call_once(function, children, {oid::kBool, -1}, context));
  if (value.is_null()) return std::optional<bool>();
  return std::optional<bool>(value.as<bool>());
}

ExprPtr fold_and_or(ExprPtr expression) {
  const bool is_and = expression->kind == Kind::kAnd;
  std::vector<ExprPtr> kept;
  bool kept_null = false;
  for (ExprPtr& child : expression->children) {
    if (!is_constant(child)) {
      kept.push_back(std::move(child));
      continue;
    }
    const std::optional<bool> value = truth(child);
    if (!value.has_value()) {
      if (!kept_null) kept.push_back(std::move(child));
      kept_null = true;
    } else if (*value != is_and) {
      return constant_like(*expression, Datum::boolean(!is_and));
    }
  }
  if (kept.empty()) return constant_like(*expression, Datum::boolean(is_and));
  if (kept.size() == 1) return std::move(kept[0]);
  expression->children = std::move(kept);
  return expression;
}

ExprPtr fold_case(ExprPtr expression) {
  std::vector<ExprPtr> kept;
  std::vector<ExprPtr>& children = expression->children;
  size_t i = 0;
  for (; i + 1 < children.size(); i += 2) {
    if (!is_constant(children[i])) {
      kept.push_back(std::move(children[i]));
      kept.push_back(std::move(children[i + 1]));
    } else if (truth(children[i]).value_or(false)) {
      kept.push_back(std::move(children[i + 1]));  // reached always: the new ELSE
      break;
    }
  }
  if (i + 1 == children.size()) kept.push_back(std::move(children.back()));
  if (kept.size() == 1) return std::move(kept[0]);
  children = std::move(kept);
  return expression;
}

ExprPtr fold_coalesce(ExprPtr expression) {
  std::vector<ExprPtr> kept;
  for (ExprPtr& child : expression->children) {
    if (is_null(child)) continue;
    const bool last = is_constant(child);
    kept.push_back(std::move(child));
    if (last) break;
  }
  if (kept.empty()) return constant_like(*expression, Datum());
  if (kept.size() == 1) return std::move(kept[0]);
  expression->children = std::move(kept);
  return expression;
}

Result<Datum> in_list_value(const Expr& expression, const EvalContext& context) {
  bool unknown = expression.children[0]->constant.is_null();
  for (size_t i = 1; i < expression.children.size(); ++i) {
    ASSIGN_OR_RETURN(const std::optional<bool> same,
                     equal(*expression.function, expression.children[0], expression.children[i],
                           context));
    if (same.value_or(false)) return Datum::boolean(true);
    unknown |= !same.has_value();
  }
  return unknown ? Datum::null(oid::kBool) : Datum::boolean(false);
}

Datum extreme_value(const Expr& expression) {
  const Expr* best = nullptr;
  for (const ExprPtr& child : expression.children) {
    if (child->constant.is_null()) continue;
    if (best != nullptr) {
      const Vector a = one_row(child->constant, expression.type.id);
      const Vector b = one_row(best->constant, expression.type.id);
      const int order = compare_values(expression.type.id, a, 0, b, 0);
      if (expression.kind == Kind::kGreatest ? order <= 0 : order >= 0) continue;
    }
    best = child.get();
  }
  return best == nullptr ? Datum::null(expression.type.id) : best->constant;
}

/// The value of a node whose children are all constants; nullopt: left to the executor.
Result<std::optional<Datum>> constant_value(const Expr& expression, const EvalContext& context) {
  using Value = std::optional<Datum>;
  const auto boolean = [](bool value) { return Value(Datum::boolean(value)); };
  const std::vector<ExprPtr>& children = expression.children;
  switch (expression.kind) {
    case Kind::kCall: {
      ASSIGN_OR_RETURN(Datum value,
                       call_once(*expression.function, children, expression.type, context));
      return Value(std::move(value));
    }
    case Kind::kRelabel: {
      Datum value = children[0]->constant;
      value.set_type(expression.type.id);
      return Value(std::move(value));
    }
    case Kind::kNot: {
      const std::optional<bool> value = truth(children[0]);
      return value.has_value() ? boolean(!*value) : Value(Datum::null(oid::kBool));
    }
    case Kind::kIsNull: return boolean(children[0]->constant.is_null());
    case Kind::kIsNotNull: return boolean(!children[0]->constant.is_null());
    case Kind::kIsTrue: return boolean(truth(children[0]) == true);
    case Kind::kIsNotTrue: return boolean(truth(children[0]) != true);
    case Kind::kIsFalse: return boolean(truth(children[0]) == false);
    case Kind::kIsNotFalse: return boolean(truth(children[0]) != false);
    case Kind::kIsUnknown: return boolean(!truth(children[0]).has_value());
    case Kind::kIsNotUnknown: return boolean(truth(children[0]).has_value());
    case Kind::kIsDistinct:
    case Kind::kIsNotDistinct: {
      const bool left_null = children[0]->constant.is_null();
      const bool right_null = children[1]->constant.is_null();
      bool same = left_null && right_null;
      if (!left_null && !right_null) {
        ASSIGN_OR_RETURN(const std::optional<bool> value,
                         equal(*expression.function, children[0], children[1], context));
        same = value.value_or(false);
      }
      return boolean(same == (expression.kind == Kind::kIsNotDistinct));
    }
    case Kind::kNullIf: {
      ASSIGN_OR_RETURN(const std::optional<bool> same,
                       equal(*expression.function, children[0], children[1], context));
      return Value(same.value_or(false) ? Datum::null(expression.type.id)
                                        : children[0]->constant);
    }
    case Kind::kGreatest:
    case Kind::kLeast:
      return Value(extreme_value(expression));
    case Kind::kInList: {
      ASSIGN_OR_RETURN(Datum value, in_list_value(expression, context));
      return Value(std::move(value));
    }
    default:
      return Value();
  }
}

/// A literal read by an input function: what is wrong with it is wrong whatever the rows.
bool is_literal_input(const Expr& expression) {
  return expression.kind == Kind::kCall && !expression.children.empty() &&
         expression.children[0]->kind == Kind::kConstant &&
         expression.children[0]->type.id == oid::kText &&
         FunctionCatalog::instance().io_cast(oid::kText, expression.type.id) ==
             expression.function;
}

}  // namespace

Result<ExprPtr> fold_constants(ExprPtr expression, std::span<const Datum> parameters,
                               const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  if (expression->kind == Kind::kParameter) {
    const size_t index = static_cast<size_t>(expression->index);
    if (index >= parameters.size()) {
      return Status(sqlstate::kUndefinedParameter,
                    "there is no parameter $" + std::to_string(index + 1));
    }
    if (expression->type.id == oid::kUnknown) expression->type.id = parameters[index].type();
    return constant_like(*expression, parameters[index]);
  }
  for (ExprPtr& child : expression->children) {
    ASSIGN_OR_RETURN(child, fold_constants(std::move(child), parameters, context));
  }
  switch (expression->kind) {
    case Kind::kSubquery: {
      Subquery& subquery = *expression->subquery;
      RETURN_IF_ERROR(fold_plan(*subquery.plan, parameters, context));
      if (subquery.comparison != nullptr) {
        ASSIGN_OR_RETURN(subquery.comparison, fold_constants(std::move(subquery.comparison),
                                                             parameters, context));
      }
      return expression;
    }
    case Kind::kAnd:
    case Kind::kOr: return fold_and_or(std::move(expression));
    case Kind::kCase: return fold_case(std::move(expression));
    case Kind::kCoalesce: return fold_coalesce(std::move(expression));
    default: break;
  }
  if (expression->kind == Kind::kConstant || !all_constant(*expression)) return expression;
  if (expression->function != nullptr &&
      expression->function->volatility == Volatility::kVolatile) {
    return expression;
  }
  if (context.cancel != nullptr) RETURN_IF_ERROR(context.cancel->check());
  Result<std::optional<Datum>> value = constant_value(*expression, context);
  if (!value.ok()) {
    if (context.cancel != nullptr) RETURN_IF_ERROR(context.cancel->check());
    // Raised when (and if) a row reaches it.
    if (!is_literal_input(*expression)) return expression;
    Error error = std::move(value.error());
    // Literals of other types were read by the binder: this is 'abc'::text::int.
    const bool is_literal = expression->function->volatility == Volatility::kStable;
    if (error.position == 0 && is_literal) error.position = expression->position;
    return error;
  }
  if (!value->has_value()) return expression;
  return constant_like(*expression, **std::move(value));
}

Result<Datum> evaluate_constant(ExprPtr expression, const EvalContext& context) {
  ASSIGN_OR_RETURN(expression, fold_constants(std::move(expression), {}, context));
  if (is_constant(expression)) return std::move(expression->constant);
  if (all_constant(*expression)) {  // volatile, or it failed
    ASSIGN_OR_RETURN(std::optional<Datum> value, constant_value(*expression, context));
    if (value.has_value()) return *std::move(value);
  }
  return Status(Error{sqlstate::kFeatureNotSupported,
                      "this expression is not supported here yet", {}, {}, {},
                      expression->position});
}

Status fold_plan(PlanNode& plan, std::span<const Datum> parameters, const EvalContext& context) {
  RETURN_IF_ERROR(check_stack_depth());
  Status status;
  const auto fold = [&](ExprPtr& expression) {
    if (expression == nullptr || !status.ok()) return;
    Result<ExprPtr> folded = fold_constants(std::move(expression), parameters, context);
    if (folded.ok()) {
      expression = std::move(folded).value();
    } else {
      status = std::move(folded).take_status();
    }
  };
  for (PlanPtr& child : plan.children) RETURN_IF_ERROR(fold_plan(*child, parameters, context));
  for_each_expression(plan, fold);
  return status;
}

}  // namespace eventd::engine
