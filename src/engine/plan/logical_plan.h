// The one logical plan of SQL and EQL. A tree of nodes, each with its output columns; expressions
// refer to the columns of the child (or of left ++ right) by index.
//
// A subquery in an expression is an Expr::kSubquery with a plan of its own; LATERAL is a kApply. In
// both, what comes from outside is Expr::kOuter `i`: argument i of the innermost subquery or Apply
// around (see Subquery in expr.h). Common table expressions read more than once are kWith and
// kCteScan, found by an id unique in the statement.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/expr.h"
#include "engine/plan/join_type.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

/// One output column of a plan node or of a result.
struct OutputColumn {
  std::string name;
  Type type;
  /// Where it comes from, for RowDescription: pg_class.oid and attribute number, 0 = computed.
  Oid relation_oid = 0;
  int16_t attribute_number = 0;
};

struct SortKey {
  ExprPtr expression;
  bool descending = false;
  bool nulls_first = false;
  /// EQL: NaN last whatever the direction, text by bytes. SQL: false.
  bool eql_order = false;
};

struct AggregateCall {
  const AggregateFunction* function = nullptr;
  std::vector<ExprPtr> arguments;  ///< over the Aggregate's child
  ExprPtr filter;                  ///< may be null
  bool distinct = false;
  std::vector<SortKey> order;      ///< ORDER BY inside the call
  Type type;
};

/// A frame of a window: which rows around the current one a call sees.
struct WindowFrame {
  enum class Mode : uint8_t { kRange, kRows, kGroups } mode = Mode::kRange;
  enum class Bound : uint8_t {
    kUnboundedPreceding, kOffsetPreceding, kCurrentRow, kOffsetFollowing, kUnboundedFollowing
  };
  Bound start = Bound::kUnboundedPreceding, end = Bound::kCurrentRow;
  enum class Exclusion : uint8_t { kNone, kCurrentRow, kGroup, kTies } exclusion = Exclusion::kNone;
  /// Offsets: int8 for ROWS and GROUPS. RANGE: the offset's own type; `in_range_*` compare. The
  /// executor refuses negative ones (22013).
  ExprPtr start_offset, end_offset;

  WindowFrame clone() const;
};

/// f(…) [FILTER (…)] OVER w. Exactly one of the functions is set.
struct WindowCall {
  const WindowFunction* function = nullptr;
  const AggregateFunction* aggregate = nullptr;
  std::vector<ExprPtr> arguments;  ///< over the Window's child
  ExprPtr filter;                  ///< aggregates only; may be null
  WindowFrame frame;
  Type type;
};

/// One set-returning call of a kProjectSet.
struct SetCall {
  /// Null: a scalar function in ROWS FROM, one row of arguments[0].
  const TableFunction* function = nullptr;
  std::vector<ExprPtr> arguments;  ///< over the node's child
  size_t column_count = 1;
};

enum class SetOperation : uint8_t { kIntersect, kExcept };

/// locf(…) or interpolate(…): a value of the rows of a kGapFill, made up in rows it adds.
struct GapCall {
  enum class Kind : uint8_t { kLocf, kInterpolate } kind = Kind::kLocf;
  ExprPtr value;   ///< over the GapFill's child
  /// What stands outside the range, over the child (the keys are those of the series, the rest
  /// NULL); may be null. locf: a value. interpolate: rows of (time, value).
  ExprPtr before, after;
  bool skip_nulls = false;  ///< locf: a NULL of the child is a gap too
  Type type;
};

/// What a kGapFill adds: rows for the times from `start` to before `finish`, `width` apart.
struct GapFill {
  ExprPtr bucket;       ///< a column of the child: int2/4/8, date, timestamp or timestamptz
  ExprPtr width;        ///< of the bucket's type, or interval; no columns
  ExprPtr start, finish;///< of the bucket's type; no columns; `start` is the first bucket
  ExprPtr zone;         ///< text: widths are those of this zone's clock; null = UTC
  std::vector<GapCall> calls;
};

struct PlanNode {
  enum class Kind : uint8_t {
    kScan,           ///< `relation`, `scan_columns`, `scan_predicates`
    kValues,         ///< `rows`; with no column and one row it is the FROM-less SELECT
    kFilter,         ///< `condition`
    kProject,        ///< `expressions`
    /// `group_by` ++ `aggregates`; columns in that order. With `grouping_sets` once for each set,
    /// keys outside it NULL, and one more int4 column: the number of the set.
    kAggregate,
    kDistinct,       ///< rows unique over all columns
    /// Of the rows equal in `group_by` the first one in the order of `sort_keys`, which begin with
    /// those keys; the output has that order.
    kDistinctOn,
    kSort,           ///< `sort_keys`; with `limit`/`offset` above it becomes top-k in the executor
    kLimit,          ///< `limit`, `offset` (null = none), `with_ties`
    /// `table_function`(`expressions`); arguments without columns (kOuter may occur). With
    /// `ordinality` one more int8 column.
    kTableFunction,
    kAppend,         ///< UNION ALL of children of equal types
    /// `join_type` of two children under `condition` over left ++ right (null = true). Columns left
    /// ++ right; kSemi and kAnti: left only.
    kJoin,
    /// For each row of children[0] the rows of children[1], in which kOuter `i` is expressions[i]
    /// of that row. `join_type` kInner or kLeft; `condition` over left ++ right, may be null.
    kApply,
    /// The child's columns ++ those of `set_calls`, side by side until the longest ends (the others
    /// NULL), for each row of the child. `join_type` kLeft: a row at least, of NULLs. With
    /// `ordinality` one more int8 column.
    kProjectSet,
    /// The child's columns ++ `window_calls`, rows partitioned by `group_by` and ordered by
    /// `sort_keys` within. Gives rows partition by partition.
    kWindow,
    kSetOperation,   ///< `set_operation` [ALL] of two children of equal types
    /// children[0] UNION [ALL] children[1] repeated: kWorkingTable `cte_id` in children[1] is what
    /// the last round added.
    kRecursiveUnion,
    kWorkingTable,   ///< leaf
    /// children[i] is the common table expression cte_ids[i], the last child the query over them.
    kWith,
    kCteScan,        ///< leaf: rows of `cte_id`, computed once, at its first read
    /// The child's columns ++ `gap_fill`'s calls; for each combination of `group_by` a row for
    /// every time, columns NULL beside those of the added ones. In the order of keys and time.
    kGapFill,
  };

  Kind kind;
  std::vector<OutputColumn> columns;
  std::vector<std::unique_ptr<PlanNode>> children;

  const Relation* relation = nullptr;
  std::vector<ScanColumn> scan_columns;
  std::vector<ScanPredicate> scan_predicates;
  /// Set by the rules when the parent sorts by the relation's order column.
  std::optional<ScanOrder> scan_order;
  std::optional<uint64_t> scan_partition_limit;

  std::vector<std::vector<ExprPtr>> rows;
  ExprPtr condition;
  std::vector<ExprPtr> expressions;
  std::vector<ExprPtr> group_by;
  std::vector<AggregateCall> aggregates;
  std::vector<SortKey> sort_keys;
  ExprPtr limit, offset;  ///< int8, foldable after parameters are bound
  bool with_ties = false;
  const TableFunction* table_function = nullptr;
  bool ordinality = false;
  JoinType join_type = JoinType::kInner;
  std::vector<SetCall> set_calls;
  std::vector<WindowCall> window_calls;
  GapFill gap_fill;
  std::vector<std::vector<int>> grouping_sets;  ///< indexes into `group_by`
  SetOperation set_operation = SetOperation::kIntersect;
  bool set_all = false;   ///< kSetOperation, kRecursiveUnion
  int cte_id = 0;
  std::vector<int> cte_ids;
  std::vector<int> fenced_cte_ids;  ///< kWith: those said to be MATERIALIZED
  std::string alias;      ///< the name it has in the query, for EXPLAIN; empty = its own

  explicit PlanNode(Kind k) : kind(k) {}
  std::unique_ptr<PlanNode> clone() const;
};
using PlanPtr = std::unique_ptr<PlanNode>;

/// Highest volatility of the expressions of a plan, subqueries in them included.
Volatility plan_volatility(const PlanNode& plan);

}  // namespace eventd::engine
