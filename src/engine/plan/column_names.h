// What PostgreSQL calls a result column that was given no name (FigureColname() of parse_target.c).
#pragma once

#include <string>
#include <unordered_map>

#include "engine/plan/ast.h"

namespace eventd::engine {

/// The first column of queries that are bound already: a scalar subquery is named after it.
using SubqueryNames = std::unordered_map<const SelectAst*, std::string>;

/// E.g. "timestamp", "count", "case", "?column?".
std::string column_name_of(const AstExpr& expression, const SubqueryNames* subqueries = nullptr);

}  // namespace eventd::engine
