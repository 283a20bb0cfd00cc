// What the clauses of a SELECT may not hold: PostgreSQL's words.
#pragma once

#include "engine/plan/query_level.h"
#include "result.h"

namespace eventd::engine {

/// 42803 unless `clause` may hold aggregates (or GROUPING, with `grouping`).
Status check_aggregate_allowed(const Clause& clause, int position, bool grouping = false);
/// 42P20 unless it may hold window functions.
Status check_window_allowed(const Clause& clause, int position);
/// 0A000 unless it may hold set-returning functions.
Status check_set_function_allowed(const Clause& clause, int position);
/// 0A000: a set-returning function inside `what` ("CASE", "aggregate function calls" …).
Error set_function_inside(std::string_view message, int position);

}  // namespace eventd::engine
