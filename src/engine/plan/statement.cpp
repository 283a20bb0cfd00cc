#include "engine/plan/statement.h"

#include "engine/plan/ast.h"
#include "engine/plan/eql_ast.h"

namespace eventd::engine {

Query::Query() = default;
Query::~Query() = default;
Query::Query(Query&&) noexcept = default;
Query& Query::operator=(Query&&) noexcept = default;

ExecuteStatement::ExecuteStatement() = default;
ExecuteStatement::~ExecuteStatement() = default;
ExecuteStatement::ExecuteStatement(ExecuteStatement&&) noexcept = default;
ExecuteStatement& ExecuteStatement::operator=(ExecuteStatement&&) noexcept = default;

}  // namespace eventd::engine
