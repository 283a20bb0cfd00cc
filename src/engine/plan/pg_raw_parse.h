// SQL text → Statement through PostgreSQL's grammar (libpg_query's raw tree).
#pragma once

#include <memory>
#include <string_view>

#include "engine/plan/statement.h"
#include "result.h"

namespace eventd::engine {

/// Parses exactly one statement. Any thread: libpg_query keeps its state per thread. Errors: 42601
/// with PostgreSQL's words and the 1-based character position; 54001 for too deep nesting; 0A000
/// with the construct's name. The result's `text` is not set.
Result<std::unique_ptr<Statement>> parse_sql(std::string_view text);

}  // namespace eventd::engine
