#include "engine/storage/event_relation.h"

#include <algorithm>
#include <utility>

#include "engine/storage/event_columns.h"
#include "engine/storage/event_filter.h"
#include "engine/storage/event_scan.h"

namespace eventd::engine {
namespace {

// Measured on hot rows, one thread.
constexpr double kRowUs = 0.25;         // stepping a row of the table
constexpr double kIndexOnlyRowUs = 0.1; // a row of the timestamp index alone
constexpr double kIndexRowUs = 0.8;     // a row found through the index
constexpr double kPayloadRowUs = 0.3;   // more for copying or walking a payload
constexpr double kTailUs = 5;           // starting on a tail

std::vector<RelationColumn> event_columns() {
  const auto column = [](const char* name, Oid type, bool not_null) {
    return RelationColumn{name, Type{type, -1}, not_null};
  };
  return {column("timestamp", oid::kTimestamptz, true),
          column("event_type", oid::kText, true),
          column("origin_class", oid::kInt2, false),
          column("cpu_id", oid::kInt4, false),
          column("sequence", oid::kInt8, false),
          column("process_guid", oid::kUuid, false),
          column("effective_token_guid", oid::kUuid, false),
          column("true_token_guid", oid::kUuid, false),
          column("boot_id", oid::kUuid, true),
          column("payload", oid::kJsonb, false),
          column("timestamp_ns", oid::kInt8, true)};
}

// Share of rows a predicate is supposed to leave, in the manner of PostgreSQL's defaults.
double selectivity(const ScanPredicate& predicate) {
  using Op = ScanPredicate::Op;
  switch (predicate.op) {
    case Op::kEq: return 0.02;
    case Op::kIn: return std::min(1.0, 0.02 * static_cast<double>(predicate.values.size()));
    case Op::kStartsWith:
    case Op::kGlob: return 0.1;
    case Op::kIsNull: return 0.05;
    case Op::kNotEq:
    case Op::kIsNotNull: return 0.95;
    default: return 0.33;
  }
}

// Of the rows of a time that `share` of the tail is in.
double read_us(const TailInfo& tail, double share) {
  const auto rows = static_cast<double>(tail.row_count);
  if (tail.damaged || share == 1) return rows * kRowUs;
  // Supposing they came in about the order of time, as the share does.
  const bool walks = tail.zones && tail.zones->times.all_known();
  return share * rows * (walks ? kRowUs : kIndexRowUs);
}

}  // namespace

EventRelation::EventRelation(std::shared_ptr<ReadPool> pool,
                             std::function<std::shared_ptr<const EventSnapshot>()> current)
    : pool_(std::move(pool)), current_(std::move(current)), columns_(event_columns()) {}

PredicateSupport EventRelation::support(const ScanPredicate& predicate) const {
  return event_predicate_support(predicate);
}

Result<std::shared_ptr<const EventSnapshot>> EventRelation::snapshot_of(
    const ScanRequest& request) const {
  if (!request.snapshot) return current_();
  auto snapshot = std::dynamic_pointer_cast<const EventSnapshot>(request.snapshot);
  if (!snapshot) return Status(sqlstate::kInternalError, "snapshot of another relation");
  return snapshot;
}

ScanEstimate EventRelation::estimate(const ScanRequest& request) const {
  const auto snapshot = snapshot_of(request);
  if (!snapshot.ok()) return {};
  PathSlots slots;
  std::vector<ScanPredicate> supported;
  double selected = 1;
  uint32_t columns = 0;
  for (const ScanPredicate& predicate : request.predicates) {
    if (support(predicate) == PredicateSupport::kNone) continue;
    supported.push_back(predicate);
    const auto column = static_cast<EventColumn>(predicate.column.column);
    if (column != EventColumn::kTimestamp && column != EventColumn::kTimestampNs) {
      selected *= selectivity(predicate);
    }
  }
  const EventFilter filter = compile_event_filter(supported, slots);
  if (filter.never) return {.rows = 0, .time_us = 1};
  columns |= filter.stored_columns;
  for (const ScanColumn& column : request.columns) {
    columns |= stored_column(static_cast<EventColumn>(column.column));
  }
  const std::optional<SequenceQuery> sequences = sequence_query(filter);
  double rows = 0, partitions = 0, time_us = 0;
  const bool index_only = (columns & ~stored::kTimestamp) == 0;
  const auto add = [&](const ShardSnapshot& shard) {
    bool any = false;
    for (const TailInfo& tail : shard.view->tails) {
      const double share = tail.row_count == 0 ? 0 : time_share(tail, filter.time);
      if (share == 0) continue;
      any = true;
      const double inside = share * static_cast<double>(tail.row_count);
      if (const auto spans = sequence_spans(tail, sequences)) {
        const auto found = static_cast<double>(row_count(*spans));
        if (found <= inside) {
          rows += found;
          time_us += kTailUs * static_cast<double>(spans->size()) + found * kRowUs;
          continue;
        }
      }
      rows += inside;
      time_us += kTailUs;
      if (request.order) continue;  // reckoned below
      time_us += index_only ? inside * kIndexOnlyRowUs : read_us(tail, share);
    }
    partitions += any;
  };
  for (const ShardSnapshot& shard : (*snapshot)->active) add(shard);
  if ((*snapshot)->historical) {
    for (const ShardSnapshot& shard : *(*snapshot)->historical) add(shard);
  }
  if ((*snapshot)->pending) rows += static_cast<double>((*snapshot)->pending->size());
  double read = rows;
  if (request.order) {
    const double per_partition = request.partition_limit
                                     ? static_cast<double>(*request.partition_limit)
                                     : rows;
    // A merge stops once it has found its rows.
    read = std::min(rows, partitions * per_partition / std::max(selected, 1e-6));
    time_us = read * kIndexRowUs + partitions * 4 * kTailUs;
    rows = std::min(rows * selected, partitions * per_partition);
  } else {
    rows *= selected;
  }
  if (columns & stored::kPayload) time_us += read * kPayloadRowUs;
  return {.rows = rows, .time_us = time_us + 1};
}

Result<std::unique_ptr<Scan>> EventRelation::scan(ScanRequest request) const {
  for (const ScanPredicate& predicate : request.predicates) {
    if (support(predicate) == PredicateSupport::kNone) {
      return Status(sqlstate::kInternalError, "predicate not supported by events");
    }
  }
  for (const ScanColumn& column : request.columns) {
    const bool extracts = column.extract != ScanColumn::Extract::kNone;
    if (column.column < 0 || column.column >= kEventColumns ||
        (extracts && column.column != static_cast<int>(EventColumn::kPayload))) {
      return Status(sqlstate::kInternalError, "no such column of events");
    }
    const Oid expected = column.extract == ScanColumn::Extract::kText   ? oid::kText
                         : column.extract == ScanColumn::Extract::kJson ? oid::kJsonb
                             : columns_[static_cast<size_t>(column.column)].type.id;
    if (column.type.id != oid::kUnknown &&
        physical_of(column.type.id) != physical_of(expected)) {
      return Status(sqlstate::kInternalError, "wrong type for a column of events");
    }
  }
  // Callers may leave the type to the relation.
  for (ScanColumn& column : request.columns) {
    if (column.type.id != oid::kUnknown) continue;
    column.type.id = column.extract == ScanColumn::Extract::kText
                         ? oid::kText
                         : columns_[static_cast<size_t>(column.column)].type.id;
  }
  if (request.order && request.order->column != 0) {
    return Status(sqlstate::kInternalError, "events can be ordered by timestamp only");
  }
  ASSIGN_OR_RETURN(auto snapshot, snapshot_of(request));
  ASSIGN_OR_RETURN(auto state, plan_event_scan(request, std::move(snapshot), pool_));
  return make_event_scan(std::move(state));
}

}  // namespace eventd::engine
