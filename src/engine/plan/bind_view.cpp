// A view in FROM: its query stands in its place.
#include <utility>

#include "engine/plan/select_binder.h"
#include "engine/plan/stack_guard.h"
#include "engine/plan/statement.h"

namespace eventd::engine {

Result<PlanPtr> SelectBinder::bind_view(const Relation& view) {
  RETURN_IF_ERROR(check_stack_depth());
  Result<std::unique_ptr<Statement>> parsed = parse_statement(view.definition());
  const auto* query = parsed.ok() ? std::get_if<Query>(&(*parsed)->node) : nullptr;
  if (query == nullptr || query->select == nullptr) {
    return Status(sqlstate::kInternalError, "the definition of view " + std::string(view.name()) +
                                                " is no query" +
                                                (parsed.ok() ? "" : ": " + parsed.error().message));
  }
  // A view sees nothing of the query it stands in.
  SubqueryFrame frame;
  CteScope* const around = std::exchange(ctes_, nullptr);
  Result<PlanPtr> plan = bind(*query->select, frame);
  ctes_ = around;
  if (!plan.ok()) {
    plan.error().position = 0;  // of a text the client never saw
    return plan;
  }
  const std::vector<RelationColumn>& columns = view.columns();
  if ((*plan)->columns.size() != columns.size()) {
    return Status(sqlstate::kInternalError, "view " + std::string(view.name()) + " has other columns");
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    (*plan)->columns[i] = {columns[i].name, columns[i].type, view.relation_oid(), static_cast<int16_t>(i + 1)};
  }
  return plan;
}

}  // namespace eventd::engine
