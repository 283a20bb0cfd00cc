// Whether planning an execution may take long.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "engine/plan/logical_plan.h"
#include "engine/vector/datum.h"

namespace eventd::engine {

/// True when folding the constants of `plan` (from a statement of `text_bytes`) may take more than
/// some milliseconds: it has very many, or calls that make much out of little. Such a plan is
/// finished where long work is done, and where a cancel request can reach it: not on an I/O thread.
bool may_plan_long(const PlanNode& plan, size_t text_bytes);
/// The same of the values of parameters.
bool are_large(std::span<const Datum> parameters);

}  // namespace eventd::engine
