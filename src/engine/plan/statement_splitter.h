// Where statements and EQL bodies begin and end inside a query string.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "engine/plan/query_planner.h"
#include "result.h"

namespace eventd::engine {

/// The EQL query inside one statement.
struct EqlBody {
  size_t begin = 0, end = 0;  ///< bytes of the statement's text
};

/// Finds the EQL query of `EVENTS …`, `EXPLAIN … EVENTS …`, `PREPARE p AS EVENTS …` and
/// `COPY (EVENTS …) TO …`; nullopt when the statement is all SQL.
Result<std::optional<EqlBody>> find_eql_body(std::string_view statement);

}  // namespace eventd::engine
