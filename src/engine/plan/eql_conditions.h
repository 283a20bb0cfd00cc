// WHERE of EQL as bound expressions.
#pragma once

#include "engine/plan/eql_fields.h"

namespace eventd::engine {

/// The boolean expression of a condition. Comparison rules: query-language.md §1 — strings ignore
/// ASCII case, numbers compare by value, a mismatch of types is false (true for !=), NULL satisfies
/// only IS NULL.
Result<ExprPtr> bind_eql_condition(const EqlCondition& condition, EqlFields& fields);

}  // namespace eventd::engine
