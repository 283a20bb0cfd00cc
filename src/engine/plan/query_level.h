// Where names are looked up: the SELECT being bound, and those around it.
//
//   SELECT … FROM a WHERE EXISTS (SELECT … FROM b WHERE b.x = a.y)
//   └ level 0, frame 0              └ level 1, frame 1: parent level 0, argument 0 = a.y
//
// A frame is one subquery of an expression, or one LATERAL item: the unit that gets arguments (see
// Subquery in expr.h). A level is one SELECT inside it. Derived tables and the arms of a set
// operation are levels of the frame they stand in: they see what is around that frame, not their
// neighbours.
#pragma once

#include <string>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/plan/logical_plan.h"
#include "engine/plan/scope.h"
#include "result.h"

namespace eventd::engine {

struct QueryLevel;

/// A subquery while it is bound. One thread.
struct SubqueryFrame {
  QueryLevel* parent = nullptr;    ///< null: the statement itself
  std::vector<ExprPtr> arguments;  ///< over `parent`'s columns; kOuter i inside stands for the i-th
  bool lateral = false;            ///< of a LATERAL item, not of an expression

  /// kOuter for `expression` (over the parent's columns), an argument that is there already or new.
  ExprPtr argument(ExprPtr expression);
};

/// A window call while its SELECT is bound: which window it belongs to.
struct BoundWindowCall {
  WindowCall call;
  size_t window = 0;  ///< index into QueryLevel::windows
};

/// PARTITION BY and ORDER BY of a window, bound. Calls of equal ones share a kWindow node.
struct BoundWindow {
  std::vector<ExprPtr> partition_by;
  std::vector<SortKey> order_by;
};

// While a SELECT is bound, what is computed by nodes between its FROM and its targets stands in
// expressions as columns from these numbers on; the select binder replaces them.
inline constexpr int kAggregateColumnBase = 1 << 24;  ///< + j: QueryLevel::aggregates[j]
inline constexpr int kGroupingColumnBase = 1 << 25;   ///< + j: QueryLevel::groupings[j]
inline constexpr int kWindowColumnBase = 1 << 26;     ///< + j: QueryLevel::window_calls[j]
inline constexpr int kSetColumnBase = 1 << 27;        ///< + k: column k of all set_calls, side by side

/// What a clause may hold. (Converts from its name, for those that may hold nothing special.)
struct Clause {
  std::string_view name;  ///< for messages: "WHERE", "JOIN/ON" …
  bool aggregates = false, windows = false, set_functions = false;

  Clause(std::string_view its_name) : name(its_name) {}  // NOLINT: implicit on purpose
  Clause(const char* its_name) : name(its_name) {}       // NOLINT: implicit on purpose
  static Clause select_list() {
    Clause clause("SELECT");
    clause.aggregates = clause.windows = clause.set_functions = true;
    return clause;
  }
  static Clause order_by() {
    Clause clause = select_list();
    clause.name = "ORDER BY";
    return clause;
  }
  /// GROUP BY: rows may be multiplied, not yet counted.
  static Clause group_by() {
    Clause clause("GROUP BY");
    clause.set_functions = true;
    return clause;
  }
  /// PARTITION BY and ORDER BY of windows: what is computed before them.
  static Clause window(std::string_view name) {
    Clause clause(name);
    clause.aggregates = clause.set_functions = true;
    return clause;
  }
  static Clause having() {
    Clause clause("HAVING");
    clause.aggregates = true;
    return clause;
  }
};

/// One SELECT being bound. One thread.
struct QueryLevel {
  explicit QueryLevel(SubqueryFrame& its_frame) : frame(&its_frame) {}

  SubqueryFrame* frame;
  Scope scope;
  std::vector<AggregateCall> aggregates;
  std::vector<std::vector<ExprPtr>> groupings;  ///< arguments of each GROUPING(…)
  std::span<const AstWindow> window_clause;     ///< WINDOW …; set before expressions are bound
  std::vector<const AstWindow*> inline_windows; ///< each OVER (…), after those of the clause
  std::vector<BoundWindow> windows;
  std::vector<BoundWindowCall> window_calls;
  std::vector<SetCall> set_calls;               ///< of the target list
  std::vector<int> set_positions;               ///< where each of them is written
  std::vector<Type> set_types;                  ///< of their columns, side by side
  /// What holds the subquery being bound: aggregates in it may belong to this level.
  Clause clause{"FROM"};
  /// Of the items to the left of a FROM item: whether what is bound now may name them (it is
  /// LATERAL). Null for a level that is always visible.
  const bool* lateral_active = nullptr;

  /// The column a reference means, here or around: kColumn, or kOuter for one of an enclosing
  /// level. 42703, 42702, 42P01 as Scope::find().
  Result<ExprPtr> find_column(const AstExpr& reference);
  /// The columns `*` or `name.*` means, here or (with a name) around, each with its name.
  Result<std::vector<std::pair<std::string, ExprPtr>>> expand_star(const AstExpr& reference);
  /// The row of a relation here or around as a kRow that knows its column names; null = none. Where
  /// an outer join may make it up: a kCase around it, with the names too (row_inside()). Of a function
  /// with one plain value it is that value.
  ExprPtr find_row(std::string_view schema, std::string_view name, int position);
  /// The column that stands for an aggregate of this level, an equal one there already or new.
  ExprPtr add_aggregate(AggregateCall call, int position);
  /// Columns of the first `calls` set_calls.
  size_t set_column_count(size_t calls) const;
  /// What its names mean now: nothing while an item that is not LATERAL is bound.
  const Scope& visible_scope() const;
};

}  // namespace eventd::engine
