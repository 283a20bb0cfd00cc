// SelectAst → logical plan.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/logical_plan.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/scope.h"
#include "result.h"

namespace eventd::engine {

/// One statement's queries, nested ones too. One thread; borrows the resolver and the state.
class SelectBinder {
 public:
  SelectBinder(const RelationResolver& relations, BindState& state)
      : relations_(relations), state_(state) {
    state_.selects = this;
  }

  /// The plan's `columns` are the result. With `keep_unknown`, bare literals of the target list
  /// stay `unknown` (for UNION and INSERT, which know better types).
  Result<PlanPtr> bind(const SelectAst& select, SubqueryFrame& frame, bool keep_unknown = false);
  /// The rows of an INSERT: as bind(), each column coerced by assignment to `targets`.
  Result<PlanPtr> bind_for_insert(const SelectAst& select,
                                  std::span<const OutputColumn> targets, int position);

 private:
  /// A SELECT while it is bound.
  struct Block {
    explicit Block(SubqueryFrame& frame) : level(frame) {}
    PlanPtr plan;
    QueryLevel level;
    std::vector<ExprPtr> targets;
    std::vector<OutputColumn> columns;  ///< of the visible targets
    std::vector<ExprPtr> group_by;
    ExprPtr having;
    std::vector<SortKey> sort_keys;     ///< over `targets` (visible and hidden), as columns
  };

  Result<PlanPtr> bind_select(const SelectAst& select, SubqueryFrame& frame, bool keep_unknown);
  Status bind_targets(const SelectAst& select, Block& block);
  Status finish_targets(Block& block, bool keep_unknown);
  Result<PlanPtr> bind_values(const SelectAst& select, SubqueryFrame& frame, bool keep_unknown);
  Result<PlanPtr> bind_set_operation(const SelectAst& select, SubqueryFrame& frame);

  // bind_from.cpp
  Status bind_from(const SelectAst& select, Block& block);
  Result<PlanPtr> bind_relation(const AstFromItem& item);
  Result<PlanPtr> bind_table_function(const AstFromItem& item, Block& block);
  Result<PlanPtr> bind_function_row(const AstFromItem& item, Block& block);

  // bind_grouping.cpp
  Status bind_group_by(const SelectAst& select, Block& block);
  Status apply_grouping(Block& block);
  Status replace_grouped(ExprPtr& expression, const Block& block) const;

  // bind_order.cpp
  Status bind_order_by(const SelectAst& select, Block& block);
  Result<int> order_target(const AstSortItem& item, const SelectAst& select, Block& block);
  Status bind_limit(const SelectAst& select, PlanNode& limit, SubqueryFrame& frame);
  Result<PlanPtr> add_order_and_limit(const SelectAst& select, PlanPtr plan,
                                      std::vector<SortKey> keys, size_t visible_columns,
                                      SubqueryFrame& frame);
  Result<std::vector<SortKey>> order_by_output(const SelectAst& select, const PlanNode& plan);

  const RelationResolver& relations_;
  BindState& state_;
};

/// A node over one child that passes its columns through.
PlanPtr plan_above(PlanNode::Kind kind, PlanPtr child);
/// Casts the columns of `plan` to the given types: literals in its own projection or VALUES are
/// read as them, other columns get a projection.
Result<PlanPtr> coerce_columns(PlanPtr plan, std::span<const Type> types, CastContext context,
                               BindState& state);

}  // namespace eventd::engine
