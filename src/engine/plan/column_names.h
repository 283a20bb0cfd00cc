// What PostgreSQL calls a result column that was given no name (FigureColname() of parse_target.c).
#pragma once

#include <string>

#include "engine/plan/ast.h"

namespace eventd::engine {

/// E.g. "timestamp", "count", "case", "?column?".
std::string column_name_of(const AstExpr& expression);

}  // namespace eventd::engine
