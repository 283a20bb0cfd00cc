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

#include <string_view>
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
inline constexpr int kSetColumnBase = 1 << 27;        ///< + j: QueryLevel::set_calls[j]

/// One SELECT being bound. One thread.
struct QueryLevel {
  explicit QueryLevel(SubqueryFrame& its_frame) : frame(&its_frame) {}

  SubqueryFrame* frame;
  Scope scope;
  std::vector<AggregateCall> aggregates;
  std::vector<std::vector<ExprPtr>> groupings;  ///< arguments of each GROUPING(…)
  std::vector<BoundWindow> windows;
  std::vector<BoundWindowCall> window_calls;
  std::vector<SetCall> set_calls;               ///< of the target list

  /// The column a reference means, here or around: kColumn, or kOuter for one of an enclosing
  /// level. 42703, 42702, 42P01 as Scope::find().
  Result<ExprPtr> find_column(const AstExpr& reference);
};

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
  static Clause having() {
    Clause clause("HAVING");
    clause.aggregates = true;
    return clause;
  }
};

}  // namespace eventd::engine
