// How many rows a LIMIT takes. Private to the rules.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// Rows a LIMIT with OFFSET needs of its input; nullopt when that is not a constant, endless, or
/// depends on ties.
std::optional<uint64_t> rows_needed(const PlanNode& limit);
/// LIMIT `rows` [WITH TIES] of `plan`.
PlanPtr limited(PlanPtr plan, uint64_t rows, bool with_ties = false);

}  // namespace eventd::engine
