#include "engine/plan/fold_constants.h"
#include "engine/plan/query_planner.h"

namespace eventd::engine {

Result<PlanPtr> optimize(PlanPtr plan, std::span<const Datum> parameters,
                         const EvalContext& context) {
  RETURN_IF_ERROR(fold_plan(*plan, parameters, context));
  return plan;
}

}  // namespace eventd::engine
