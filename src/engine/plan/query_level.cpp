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

namespace {

bool is_unknown_name(const Status& failure) {
  const SqlState code = failure.error().code;
  return code == sqlstate::kUndefinedColumn || code == sqlstate::kUndefinedTable;
}

// Nothing is found here nor around: the message of the nearest level, unless only another knows
// that the table is there and may not be named.
Status clearer(Status here, Status around) {
  if (!is_unknown_name(around)) return around;
  if (here.error().code == sqlstate::kUndefinedTable &&
      around.error().code == sqlstate::kUndefinedColumn) {
    return around;  // the table is there, the column is not
  }
  return here.error().hint.empty() && !around.error().hint.empty() ? std::move(around)
                                                                   : std::move(here);
}

}  // namespace

const Scope& QueryLevel::visible_scope() const {
  static const Scope kNothing;
  return lateral_active == nullptr || *lateral_active ? scope : kNothing;
}

Result<ExprPtr> QueryLevel::find_column(const AstExpr& reference) {
  Result<size_t> index = visible_scope().find(reference);
  if (index.ok()) {
    ExprPtr column = Expr::column(static_cast<int>(index.value()), scope.columns()[index.value()].type);
    column->position = reference.position;
    return column;
  }
  Status failure = std::move(index).take_status();
  // An ambiguous name is wrong here, whatever is around; so is an unknown column of a table here.
  const bool qualified = reference.names.size() > 1;
  if (frame->parent == nullptr || !is_unknown_name(failure) ||
      (qualified && failure.error().code == sqlstate::kUndefinedColumn)) {
    return failure;
  }
  Result<ExprPtr> outside = frame->parent->find_column(reference);
  if (outside.ok()) return frame->argument(std::move(outside).value());
  return clearer(std::move(failure), std::move(outside).take_status());
}

Result<std::vector<std::pair<std::string, ExprPtr>>> QueryLevel::expand_star(
    const AstExpr& reference) {
  std::vector<std::pair<std::string, ExprPtr>> out;
  Result<std::vector<Scope::Column>> columns = visible_scope().expand_star(reference);
  if (columns.ok()) {
    for (Scope::Column& column : columns.value()) {
      ExprPtr expression = Expr::column(static_cast<int>(column.index), scope.columns()[column.index].type);
      expression->position = reference.position;
      out.emplace_back(std::move(column.name), std::move(expression));
    }
    return out;
  }
  Status failure = std::move(columns).take_status();
  if (frame->parent == nullptr || !is_unknown_name(failure)) return failure;
  auto outside = frame->parent->expand_star(reference);
  if (!outside.ok()) return clearer(std::move(failure), std::move(outside).take_status());
  for (auto& [name, expression] : outside.value()) {
    out.emplace_back(std::move(name), frame->argument(std::move(expression)));
  }
  return out;
}

}  // namespace eventd::engine
