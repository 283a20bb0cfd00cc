// EQL text → EqlAst.
#pragma once

#include <memory>
#include <string_view>

#include "engine/plan/eql_ast.h"
#include "result.h"

namespace eventd::engine {

/// Parses one EQL query. Errors: 42601 with a 1-based character position within `text`.
Result<std::unique_ptr<EqlAst>> parse_eql(std::string_view text);

}  // namespace eventd::engine
