// The range of a time column that a query's conditions give.
#pragma once

#include <vector>

#include "engine/plan/expression_binder.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// What a column is at least (`lower`), and what it is below (`upper`), by conditions that compare
/// it with something without columns. Of the column's type; any number of each.
struct GapRange {
  std::vector<ExprPtr> lower, upper;
};

/// From the filters and inner joins on the way down to where column `index` of `plan` comes from.
Result<GapRange> find_gap_range(const PlanNode& plan, int index, ExpressionBinder& binder,
                                ParameterTypes& parameters);

}  // namespace eventd::engine
