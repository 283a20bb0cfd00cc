// The one interface between the executor and everything that holds rows: hot tails, segments,
// logs, metrics, user tables, catalog relations, a transaction's pending rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/scan/access_scope.h"
#include "engine/scan/cancel_token.h"
#include "engine/scan/memory_account.h"
#include "engine/types/format_options.h"
#include "engine/types/type.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// A column as pg_attribute shows it.
struct RelationColumn {
  std::string name;
  Type type;
  bool not_null = false;
};

/// What a scan delivers in one output column: a stored column, or a path inside a jsonb column
/// extracted while scanning (so that sealed data can serve it from its own column).
struct ScanColumn {
  enum class Extract : uint8_t {
    kNone,  ///< the column as it is
    kText,  ///< column #>> path, type text
    kJson,  ///< column #> path, type jsonb
    /// Predicates only: the text of kText cast to `type` (int2, int4, int8, numeric or float8). Only
    /// prunes: a text that the cast may refuse passes.
    kNumber,
  };
  int column = 0;  ///< index into Relation::columns()
  Extract extract = Extract::kNone;
  std::vector<std::string> path;  ///< object keys (or array indexes as digits), outermost first
  Type type;                      ///< of the output
  bool operator==(const ScanColumn&) const = default;
};

/// `column op values`. All predicates of a scan are ANDed. NULL satisfies only kIsNull.
struct ScanPredicate {
  enum class Op : uint8_t {
    kEq, kNotEq, kLess, kLessEq, kGreater, kGreaterEq,
    kIn,          ///< equals any of values
    kStartsWith,  ///< values[0] is the prefix
    kGlob,        ///< values[0] is an EQL pattern: `*` any run of characters, nothing else special
    kIsNull, kIsNotNull,
  };
  ScanColumn column;
  Op op = Op::kEq;
  /// Of the column's type (timestamps: timestamptz µs). Never NULL.
  std::vector<Datum> values;
  /// EQL: ASCII case-insensitive string comparison.
  bool ignore_case = false;
};

/// How far a relation takes a predicate.
enum class PredicateSupport : uint8_t {
  kNone,   ///< not at all
  kPrune,  ///< fewer rows are read, some that don't match may still come: re-check above
  kExact,  ///< only matching rows come
};

/// Order of the rows of each partition of an ordered scan.
struct ScanOrder {
  int column = 0;  ///< index into Relation::columns(); today a relation's time column
  bool descending = false;
};

/// Per relation kind what "now" means. Logical (DESIGN.md §6): holds no SQLite lock.
/// Immutable and shared by all scans of a statement (or transaction).
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  int64_t taken_ns = 0;  ///< CLOCK_MONOTONIC
};

/// Counters a scan fills; EXPLAIN ANALYZE and tests read them. Updated once a batch.
struct ScanCounters {
  uint64_t shards = 0, shards_skipped = 0;  ///< files read, and those known to have nothing
  uint64_t tails_read = 0, tails_skipped = 0;
  uint64_t segments_read = 0, segments_skipped = 0;
  uint64_t rows_read = 0;      ///< stepped over in storage
  uint64_t rows_returned = 0;  ///< handed to the executor
  uint64_t bytes_decoded = 0;
  uint64_t statements_reused = 0, statements_prepared = 0;
  uint64_t damaged_tails = 0;  ///< of which rows may be missing
};

/// Everything a scan needs to know. The pointees outlive the scan.
struct ScanRequest {
  std::vector<ScanColumn> columns;
  std::vector<ScanPredicate> predicates;
  /// Asks for partitions sorted by it; the executor merges. Ties are in commit order.
  std::optional<ScanOrder> order;
  /// Each partition, or worker, need not return more rows than this. Absent = no bound.
  std::optional<uint64_t> partition_limit;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const AccessScope> access;
  MemoryAccount* memory = nullptr;
  const CancelToken* cancel = nullptr;
};

/// Rows of one worker. Owned by one thread at a time; may move between threads between calls.
/// Holds no SQLite transaction between calls of next().
class ScanCursor {
 public:
  virtual ~ScanCursor() = default;
  /// Fills `batch` (columns in the order of the request) and returns true, or false at the end.
  /// A batch has at least one row. Errors: 57014, 53200, 58030, XX001, 72000.
  virtual Result<bool> next(Batch& batch) = 0;
};

/// A scan being executed, shared by its workers. Thread-safe.
class Scan {
 public:
  virtual ~Scan() = default;
  /// Unordered: a worker that takes morsels from the scan's common queue until none is left. Any
  /// number may be opened, also after others have finished.
  virtual Result<std::unique_ptr<ScanCursor>> open_worker() = 0;
  /// Ordered scans: how many sorted partitions there are, and cursor i over it.
  virtual size_t partitions() const = 0;
  virtual Result<std::unique_ptr<ScanCursor>> open_partition(size_t i) = 0;
  /// Sum over all workers so far.
  virtual ScanCounters counters() const = 0;
};

/// What the planner may expect of a scan.
struct ScanEstimate {
  double rows = 0;    ///< returned
  double time_us = 0; ///< one thread, everything read; below ~1,000 it stays on the I/O thread
};

/// A named source of rows. Immutable description, owned by the catalog; thread-safe.
class Relation {
 public:
  virtual ~Relation() = default;
  virtual std::string_view schema() const = 0;  ///< e.g. "public"
  virtual std::string_view name() const = 0;
  virtual Oid relation_oid() const = 0;  ///< pg_class.oid, stable
  virtual const std::vector<RelationColumn>& columns() const = 0;
  /// A view: the SQL query the binder puts in its place; empty for everything else.
  virtual std::string_view definition() const { return {}; }
  /// Index of the column whose order open_partition() can give, or -1.
  virtual int order_column() const { return -1; }
  virtual PredicateSupport support(const ScanPredicate& predicate) const = 0;
  virtual ScanEstimate estimate(const ScanRequest& request) const = 0;
  /// REQUIRES: every predicate has support other than kNone.
  virtual Result<std::unique_ptr<Scan>> scan(ScanRequest request) const = 0;

  /// Index of the column of that name, or -1.
  int find_column(std::string_view column_name) const;
};

}  // namespace eventd::engine
