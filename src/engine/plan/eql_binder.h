// EqlAst → the same bound plan SQL has.
#pragma once

#include <span>

#include "engine/plan/eql_ast.h"
#include "engine/plan/query_planner.h"
#include "result.h"

namespace eventd::engine {

/// Binds an EQL query. `declared` as for bind_query.
Result<BoundQuery> bind_eql(const EqlAst& query, const RelationResolver& relations,
                            std::span<const Oid> declared);

}  // namespace eventd::engine
