// SelectAst → logical plan.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/cte_scope.h"
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
  /// bind_view.cpp: the query of a view.
  Result<PlanPtr> bind_view(const Relation& view);

  // What FROM asks about WITH (bind_cte.cpp).
  /// A kCteScan or kWorkingTable for the WITH query of the item's name; null if there is none.
  Result<PlanPtr> bind_cte_reference(const AstFromItem& item, SubqueryFrame& frame);
  /// True for a WITH query that is not to be seen yet, for the message.
  bool is_later_cte(const std::string& name) const;
  /// Whether what is bound now stands where recursion is not allowed; the FROM binder sets it.
  RecursionPlace recursion_place() const { return recursion_place_; }
  void set_recursion_place(RecursionPlace place) { recursion_place_ = place; }

  const RelationResolver& relations() const { return relations_; }

 private:
  /// A SELECT while it is bound.
  struct Block {
    explicit Block(SubqueryFrame& frame) : level(frame) {}
    PlanPtr plan;
    QueryLevel level;
    std::vector<ExprPtr> targets;
    std::vector<OutputColumn> columns;  ///< of the visible targets
    bool grouped = false;               ///< GROUP BY is there, be it GROUP BY ()
    std::vector<ExprPtr> group_by;      ///< the keys of all sets
    std::vector<int> group_targets;     ///< for each key the target it was written as, -1 = none
    bool has_sets = false;              ///< GROUP BY has ROLLUP, CUBE or GROUPING SETS
    std::vector<std::vector<int>> grouping_sets;  ///< empty: one set of all keys
    std::vector<int> set_columns;       ///< where the columns of set_calls are in `plan`; -1 not yet
    ExprPtr having;
    GapFill gap_fill;                   ///< of the key that is time_bucket_gapfill(…)
    std::vector<SortKey> sort_keys;     ///< over `targets` (visible and hidden), as columns
    std::vector<int> distinct_on;       ///< targets
    bool recursive = false;             ///< FROM has the working table of a recursive query
  };

  // bind_select.cpp
  Result<PlanPtr> bind_body(const SelectAst& select, SubqueryFrame& frame, bool keep_unknown);
  Result<PlanPtr> bind_select(const SelectAst& select, SubqueryFrame& frame, bool keep_unknown);
  Status bind_from(const SelectAst& select, Block& block);
  Status bind_where(const SelectAst& select, Block& block);
  Status bind_targets(const SelectAst& select, Block& block);
  Status add_hidden_targets(Block& block);
  Status check_recursive_term(const Block& block) const;
  // bind_locking.cpp
  static Status check_locked_arms(const SelectAst& select);
  Status check_locking(const SelectAst& select, const Block& block) const;
  Status check_locked_tables(const SelectAst& select, const AstLocking& locking) const;
  bool names_cte(const std::string& name) const;
  Status finish_targets(Block& block, bool keep_unknown);
  PlanPtr project_targets(Block& block);

  // bind_distinct.cpp
  Status bind_distinct_on(const SelectAst& select, Block& block);
  PlanPtr apply_distinct(const SelectAst& select, PlanPtr plan, Block& block);

  // bind_values.cpp
  Result<PlanPtr> bind_values(const SelectAst& select, SubqueryFrame& frame, bool keep_unknown);
  Result<PlanPtr> order_values(const SelectAst& select, PlanPtr values, SubqueryFrame& frame);

  // bind_set_operation.cpp
  Result<PlanPtr> bind_set_operation(const SelectAst& select, SubqueryFrame& frame);
  Result<PlanPtr> bind_arm(const SelectAst& select, size_t arm, SubqueryFrame& frame);
  Result<PlanPtr> combine_arms(const SelectAst& select, std::vector<PlanPtr> arms);
  Result<PlanPtr> finish_set_operation(const SelectAst& select, PlanPtr plan,
                                       SubqueryFrame& frame);

  // bind_with.cpp
  using BindBody = std::function<Result<PlanPtr>(const SelectAst& select, SubqueryFrame& frame)>;
  Result<PlanPtr> bind_with(const SelectAst& select, SubqueryFrame& frame, const BindBody& body);

  // bind_cte.cpp
  Status bind_cte(CteScope& scope, BoundCte& cte);
  Result<PlanPtr> bind_cte_query(CteScope& scope, BoundCte& cte);
  Result<PlanPtr> bind_union_cte(BoundCte& cte, const SelectAst& query, SubqueryFrame& frame);
  Status check_recursion(CteScope& scope, BoundCte& cte, const AstFromItem& item,
                         const SubqueryFrame& frame);

  // bind_recursion.cpp
  Status add_hidden_columns(BoundCte& cte);
  Result<PlanPtr> working_table(const BoundCte& cte, PlanPtr table);
  Result<PlanPtr> recursive_plan(BoundCte& cte, const SelectAst& query, PlanPtr left,
                                 PlanPtr right);

  // bind_grouping.cpp
  Status bind_group_by(const SelectAst& select, Block& block);
  Result<int> group_target(const AstExpr& item, Block& block);
  Result<int> bind_group_item(const AstExpr& item, Block& block);
  Result<std::vector<int>> bind_group_list(const AstGroupItem& item, Block& block);
  static int key_of(const Expr& expression, const Block& block);
  Result<std::vector<std::vector<int>>> grouping_sets_of(const AstGroupItem& item, Block& block);
  Result<ExprPtr> grouping_value(const std::vector<ExprPtr>& arguments, const Block& block);
  Status apply_grouping(Block& block);
  Status replace_grouped(ExprPtr& expression, const Block& block, bool in_subquery);
  Status replace_grouped_everywhere(Block& block);

  // bind_gap_fill.cpp
  Result<int> prepare_gap_fill(Block& block);
  Status bind_gap_range(Block& block, const Expr& time, std::vector<ExprPtr> given);
  Result<ExprPtr> gap_bucket(const Block& block, ExprPtr time, int position);
  Status place_gap_fill(Block& block, size_t bucket, size_t keys);
  Result<ExprPtr> gap_call_column(ExprPtr call, PlanNode& node);
  Status take_gap_calls(ExprPtr& expression, PlanNode& node);

  // bind_window_clause.cpp
  Status bind_windows(Block& block);
  Result<BoundWindow> bind_window(const AstWindow& ast, Block& block);
  Result<WindowFrame> bind_frame(const AstWindow& ast, const BoundWindow& window, Block& block);
  Status apply_windows(Block& block);

  // bind_set_calls.cpp
  void place_set_calls(Block& block, std::vector<bool> selected);
  Status apply_grouped_set_calls(Block& block);
  Status apply_set_calls(const SelectAst& select, Block& block);

  // bind_order.cpp
  Status bind_order_by(const SelectAst& select, Block& block);
  /// The target an ORDER BY or DISTINCT ON item means, an added hidden one if need be.
  Result<int> order_target(const AstExpr& item, Clause clause, const SelectAst& select,
                           Block& block);
  Status bind_limit(const SelectAst& select, PlanNode& limit, QueryLevel& level);
  Result<PlanPtr> add_order_and_limit(const SelectAst& select, PlanPtr plan,
                                      std::vector<SortKey> keys, size_t visible_columns,
                                      QueryLevel& level);
  Result<std::vector<SortKey>> order_by_output(const SelectAst& select, const PlanNode& plan);

  const RelationResolver& relations_;
  BindState& state_;
  CteScope* ctes_ = nullptr;  ///< the innermost WITH list around what is bound now
  RecursionPlace recursion_place_ = RecursionPlace::kGood;
  /// SEARCH and CYCLE: the recursive term whose SELECT adds columns of the working table.
  const SelectAst* carries_hidden_ = nullptr;
};

/// A node over one child that passes its columns through.
PlanPtr plan_above(PlanNode::Kind kind, PlanPtr child);
/// Casts the columns of `plan` to the given types: literals in its own projection or VALUES are
/// read as them, other columns get a projection.
Result<PlanPtr> coerce_columns(PlanPtr plan, std::span<const Type> types, CastContext context,
                               BindState& state);
/// Only the first columns of a plan.
PlanPtr first_columns(PlanPtr plan, size_t count);

}  // namespace eventd::engine
