#include "engine/plan/query_level.h"

namespace eventd::engine {

ExprPtr SubqueryFrame::argument(ExprPtr expression) {
  const Type type = expression->type;
  const int position = expression->position;
  size_t at = 0;
  while (at < arguments.size() && !arguments[at]->equals(*expression)) ++at;
  if (at == arguments.size()) arguments.push_back(std::move(expression));
  ExprPtr outer = Expr::outer(static_cast<int>(at), type);
  outer->position = position;
  return outer;
}

Result<ExprPtr> QueryLevel::find_column(const AstExpr& reference) {
  Result<size_t> index = scope.find(reference);
  if (index.ok()) {
    ExprPtr column = Expr::column(static_cast<int>(index.value()), scope.columns()[index.value()].type);
    column->position = reference.position;
    return column;
  }
  Status failure = std::move(index).take_status();
  // An ambiguous name is wrong here, whatever is around; an unknown one may be known outside.
  const SqlState code = failure.error().code;
  if (frame->parent == nullptr ||
      (code != sqlstate::kUndefinedColumn && code != sqlstate::kUndefinedTable)) {
    return failure;
  }
  Result<ExprPtr> outside = frame->parent->find_column(reference);
  if (outside.ok()) return frame->argument(std::move(outside).value());
  Status outer_failure = std::move(outside).take_status();
  const SqlState outer_code = outer_failure.error().code;
  if (outer_code != sqlstate::kUndefinedColumn && outer_code != sqlstate::kUndefinedTable) return outer_failure;
  return failure;
}

}  // namespace eventd::engine
