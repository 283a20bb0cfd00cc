// WITH lists.
#include "engine/plan/attach_ctes.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

Status check_unique(const std::vector<AstCte>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (list[i].name != list[j].name) continue;
      return bind_error(sqlstate::kDuplicateAlias,
                        "WITH query name \"" + list[i].name + "\" specified more than once",
                        list[i].position);
    }
  }
  return {};
}

}  // namespace

Result<PlanPtr> SelectBinder::bind_with(const SelectAst& select, SubqueryFrame& frame,
                                        const BindBody& body) {
  RETURN_IF_ERROR(check_unique(select.with));
  CteScope scope;
  scope.outer = ctes_;
  scope.frame = &frame;
  scope.recursive = select.with_recursive;
  scope.entries.resize(select.with.size());
  for (size_t i = 0; i < select.with.size(); ++i) {
    scope.entries[i].ast = &select.with[i];
    scope.entries[i].id = state_.next_cte_id++;
  }
  const auto bind_all = [&]() -> Result<PlanPtr> {
    for (BoundCte& cte : scope.entries) {
      if (cte.state == BoundCte::State::kUnbound) RETURN_IF_ERROR(bind_cte(scope, cte));
      ++scope.visible;
    }
    return body(select, frame);
  };
  ctes_ = &scope;
  Result<PlanPtr> plan = bind_all();
  ctes_ = scope.outer;
  if (!plan.ok()) return plan;
  return attach_ctes(scope.entries, scope.bound_order, std::move(plan).value(), state_);
}

}  // namespace eventd::engine
