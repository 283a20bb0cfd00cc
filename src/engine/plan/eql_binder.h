// EqlAst → the same bound plan SQL has.
#pragma once

#include <span>

#include "engine/plan/eql_ast.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/query_planner.h"
#include "result.h"

namespace eventd::engine {

/// The plan of an EQL query inside another statement: parameters are those of `state`. Its columns
/// are the plan's.
Result<PlanPtr> bind_eql(const EqlAst& query, const RelationResolver& relations, BindState& state);
/// Binds an EQL query. `declared` as for bind_query.
Result<BoundQuery> bind_eql(const EqlAst& query, const RelationResolver& relations,
                            std::span<const Oid> declared);

}  // namespace eventd::engine
