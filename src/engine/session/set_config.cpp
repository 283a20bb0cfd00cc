#include "engine/session/set_config.h"

#include "engine/plan/fold_constants.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

class SetConfigCalls {
 public:
  SetConfigCalls(SessionImpl& session, const Parameters& parameters)
      : session_(session), parameters_(parameters) {}

  Status run(ExprPtr& expression) {
    RETURN_IF_ERROR(check_stack_depth());
    if (decides_lazily(*expression)) return {};
    for (ExprPtr& child : expression->children) RETURN_IF_ERROR(run(child));
    if (expression->kind != Expr::Kind::kCall || expression->function->name != "set_config") return {};
    std::vector<Datum> arguments;
    for (ExprPtr& child : expression->children) {
      ASSIGN_OR_RETURN(Datum value, argument(std::move(child)));
      arguments.push_back(std::move(value));
    }
    ASSIGN_OR_RETURN(std::string shown, set(arguments));
    expression = Expr::constant_of(Datum::text(std::move(shown)), {oid::kText, -1});
    return {};
  }

 private:
  // A call there may have to be left out.
  static bool decides_lazily(const Expr& expression) {
    using Kind = Expr::Kind;
    return expression.kind == Kind::kCase || expression.kind == Kind::kCoalesce ||
           expression.kind == Kind::kAnd || expression.kind == Kind::kOr;
  }

  Result<Datum> argument(ExprPtr expression) {
    const EvalContext context = session_.eval_context();
    ASSIGN_OR_RETURN(expression, fold_constants(std::move(expression), parameters_, context));
    return evaluate_constant(std::move(expression), context);
  }

  Result<std::string> set(const std::vector<Datum>& arguments) {
    if (arguments[0].is_null()) {
      return Status(sqlstate::kNullValueNotAllowed, "SET requires parameter name");
    }
    const std::string name(arguments[0].bytes());
    const bool local = !arguments[2].is_null() && arguments[2].as<bool>();
    SessionSettings& settings = session_.settings();
    if (arguments[1].is_null()) {
      RETURN_IF_ERROR(settings.reset(name, session_.is_superuser()));
    } else {
      RETURN_IF_ERROR(settings.set(name, arguments[1].bytes(), local, session_.is_superuser()));
    }
    if (local && !arguments[1].is_null() && !session_.transaction().is_explicit()) {
      // Gone again with the transaction that this statement is.
      return value_once(name, arguments[1].bytes());
    }
    return session_.shown_setting(name).value_or("");
  }

  static Result<std::string> value_once(const std::string& name, std::string_view value) {
    const SettingInfo* info = find_setting(name);
    if (info == nullptr) return std::string(value);
    ASSIGN_OR_RETURN(SettingValue parsed, parse_setting(*info, value));
    return std::move(parsed.text);
  }

  SessionImpl& session_;
  const Parameters& parameters_;
};

}  // namespace

Status run_set_config(SessionImpl& session, PlanNode& plan, const Parameters& parameters) {
  const bool fits = plan.kind == PlanNode::Kind::kProject &&
                    plan.children[0]->kind == PlanNode::Kind::kValues &&
                    plan.children[0]->columns.empty();
  if (!fits) return {};
  SetConfigCalls calls(session, parameters);
  for (ExprPtr& expression : plan.expressions) RETURN_IF_ERROR(calls.run(expression));
  return {};
}

}  // namespace eventd::engine
