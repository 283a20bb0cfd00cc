// Expressions as readable SQL, for EXPLAIN.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/plan/expr.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// `expr` with column i printed as `columns[i]`, and its queries, in their order, as `queries`. Long
/// or deep expressions end in "…".
std::string expr_to_sql(const Expr& expr, const std::vector<std::string>& columns,
                        const EvalContext& context, std::span<const std::string> queries = {});
/// A predicate given to a scan, over the relation's column names.
std::string predicate_to_sql(const ScanPredicate& predicate, const Relation& relation,
                             const EvalContext& context);
/// The names expressions over `plan`'s output use.
std::vector<std::string> column_names(const PlanNode& plan);
std::string quote_identifier(const std::string& name);

}  // namespace eventd::engine
