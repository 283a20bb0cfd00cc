// The one logical plan of SQL and EQL. A tree of nodes, each with its output columns; expressions
// refer to the columns of the child (or of left ++ right) by index.
//
// Later nodes have their place in Kind: joins, apply, windows, set operations, recursive union.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan/expr.h"
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

struct PlanNode {
  enum class Kind : uint8_t {
    kScan,           ///< `relation`, `scan_columns`, `scan_predicates`
    kValues,         ///< `rows`; with no column and one row it is the FROM-less SELECT
    kFilter,         ///< `condition`
    kProject,        ///< `expressions`
    kAggregate,      ///< `group_by` ++ `aggregates`; columns in that order
    kDistinct,       ///< rows unique over all columns
    kSort,           ///< `sort_keys`; with `limit`/`offset` above it becomes top-k in the executor
    kLimit,          ///< `limit`, `offset` (null = none), `with_ties`
    kTableFunction,  ///< `table_function`(`expressions`), constant arguments
    kAppend,         ///< UNION ALL of children of equal types
    kJoin, kApply, kWindow, kSetOperation, kRecursiveUnion,
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

  explicit PlanNode(Kind k) : kind(k) {}
  std::unique_ptr<PlanNode> clone() const;
};
using PlanPtr = std::unique_ptr<PlanNode>;

}  // namespace eventd::engine
