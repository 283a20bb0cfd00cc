// Where the plans of WITH queries go: in the place of their only use, or into a kWith node.
#pragma once

#include <vector>

#include "engine/plan/cte_scope.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {

/// `plan` with the queries of `entries` (all bound) it uses. `order`: their indexes, each after
/// those it uses itself. Entries nobody uses are dropped. Takes the entries' plans.
///
/// A query goes to its place of use when that is the only one (or NOT MATERIALIZED was said), it is
/// not MATERIALIZED nor volatile, and it is not computed there more often than once: in a correlated
/// subquery or a recursive term its rows are better kept.
Result<PlanPtr> attach_ctes(std::vector<BoundCte>& entries, const std::vector<size_t>& order,
                            PlanPtr plan, BindState& state);

}  // namespace eventd::engine
