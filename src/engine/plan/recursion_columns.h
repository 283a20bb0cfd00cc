// The columns SEARCH and CYCLE add to a recursive query: where a row was met, and by which way.
#pragma once

#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

inline constexpr Oid kRecordArray = 2287;
/// attribute_number of a working table's column that no name means.
inline constexpr int16_t kHiddenColumn = -1;

/// TO … DEFAULT … of CYCLE, of one type.
struct CycleMarks {
  ExprPtr value, otherwise;
};

/// The names the clauses use and make. 42601, 42701.
Status check_search_and_cycle(const AstCte& ast, const std::vector<OutputColumn>& columns);
Result<CycleMarks> bind_cycle_marks(const AstCte::Cycle& cycle, BindState& state);

/// Adds the hidden columns of the non-recursive term to `project`, a kProject of `columns`.
Status add_first_round(const AstCte& ast, const std::vector<OutputColumn>& columns,
                       const std::vector<OutputColumn>& hidden, PlanNode& project,
                       BindState& state);
/// The same for the recursive term: the child of `project` has the hidden columns of the row before
/// after its own.
Status add_next_round(const AstCte& ast, const std::vector<OutputColumn>& columns,
                      const std::vector<OutputColumn>& hidden, PlanNode& project,
                      BindState& state);

}  // namespace eventd::engine
