// Transactions too large for one commit: storage.md "Event shard", ingest.md §4.
#include <fmt/format.h>

#include <algorithm>

#include "clock.h"
#include "engine/storage/shard_impl.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kDiscardRetryNs = 1'000'000'000;

}  // namespace

Status Shard::Impl::unknown_stage(StagedTailId tail) const {
  if (tail < staged_lost_below) {
    return {sqlstate::kIoError,
            fmt::format("\"{}\" was damaged: the rows of this transaction are lost", options.path)};
  }
  return {sqlstate::kInternalError, fmt::format("staged tail {} does not exist", tail)};
}

Status Shard::Impl::relax_sync(bool relaxed) {
  if (relaxed == relaxed_sync) return {};
  RETURN_IF_ERROR(connection.exec(relaxed ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL"));
  relaxed_sync = relaxed;
  return {};
}

Result<StagedTailId> Shard::stage_create() {
  Impl& impl = *impl_;
  RETURN_IF_ERROR(impl.ensure_connected());
  // Chunks needn't be durable: unpublished tails vanish anyway.
  const Impl::RelaxedSync relaxed(impl);
  StagedTail staged;
  staged.info.number = impl.next_tail_number;
  staged.info.readers = std::make_shared<char>();
  staged.info.zones = std::make_shared<TailZones>();
  RETURN_IF_ERROR(impl.begin.run());
  Status status = impl.connection.exec(
      event_schema::create_tail_sql(staged.info.number) +
      fmt::format("INSERT INTO tails VALUES({},0,0);", staged.info.number));
  if (status.ok()) status = impl.commit.run();
  if (!status.ok()) {
    rollback();
    return status;
  }
  ++impl.next_tail_number;
  ASSIGN_OR_RETURN(staged.insert,
                   impl.connection.prepare(event_schema::insert_sql(staged.info.number)));
  const StagedTailId id = staged.info.number;
  impl.staged.emplace(id, std::move(staged));
  return id;
}

Status Shard::stage_append(StagedTailId tail, std::span<const EventRow> rows) {
  Impl& impl = *impl_;
  const auto found = impl.staged.find(tail);
  if (found == impl.staged.end()) return impl.unknown_stage(tail);
  StagedTail& staged = found->second;
  const Impl::RelaxedSync relaxed(impl);
  RETURN_IF_ERROR(impl.begin.run());
  TailInfo info = staged.info;
  Status status;
  for (const EventRow& row : rows) {
    status = impl.insert(staged.insert.raw(), info.last_rowid + 1, row);
    if (!status.ok()) break;
    ++info.last_rowid;
    impl.zones.add(info.zones, info.last_rowid, row);
    ++info.row_count;
    info.timestamp_min_ns = std::min(info.timestamp_min_ns, row.timestamp_ns);
    info.timestamp_max_ns = std::max(info.timestamp_max_ns, row.timestamp_ns);
  }
  if (status.ok()) status = impl.commit.run();
  if (!status.ok()) {
    rollback();
    return status;
  }
  impl.types_in_transaction.clear();
  impl.zones.flush();
  staged.info = info;
  impl.wal_bytes.store(impl.wal_pages * impl.wal_frame_bytes,
                       std::memory_order_relaxed);
  return {};
}

Status Shard::stage_publish(StagedTailId tail) {
  Impl& impl = *impl_;
  const auto found = impl.staged.find(tail);
  if (found == impl.staged.end() || found->second.published) return impl.unknown_stage(tail);
  StagedTail& staged = found->second;
  TailInfo info = staged.info;
  const int64_t rows = info.row_count;
  const uint32_t number = info.number;
  if (rows == 0) {
    RETURN_IF_ERROR(impl.connection.exec(
        fmt::format("DROP TABLE events_{0};DELETE FROM tails WHERE number={0};", number)));
    staged.published = true;
    return {};
  }
  info.id_base = impl.working.last_id;
  if (info.id_base == 0) info.id_base = 1;  // 0 marks the tails that take rows
  if (impl.working.tails.size() < event_schema::kTailsMax) {
    RETURN_IF_ERROR(impl.connection.exec(fmt::format(
        "UPDATE tails SET state=1,id_base={} WHERE number={};", info.id_base, number)));
    impl.working.tails.push_back(info);
    RETURN_IF_ERROR(impl.recreate_view());
  } else {
    // No room for one more table: the rows move to the current tail in this transaction.
    TailInfo& current = impl.working.tails[impl.current];
    RETURN_IF_ERROR(impl.connection.exec(fmt::format(
        "INSERT INTO events_{0} SELECT id+{2},boot_id,timestamp,cpu_id,sequence,origin_class,"
        "event_type,effective_token_guid,true_token_guid,process_guid,payload FROM events_{1} "
        "ORDER BY id;DROP TABLE events_{1};DELETE FROM tails WHERE number={1};",
        current.number, number, info.id_base)));
    if (current.row_count == 0) current.first_rowid = info.id_base + 1;
    current.last_rowid = info.id_base + rows;
    current.row_count += rows;
    // Found out by whoever asks.
    current.zones = std::make_shared<TailZones>(current.first_rowid, current.last_rowid);
    current.timestamp_min_ns = std::min(current.timestamp_min_ns, info.timestamp_min_ns);
    current.timestamp_max_ns = std::max(current.timestamp_max_ns, info.timestamp_max_ns);
  }
  impl.working.last_id = info.id_base + rows;
  impl.rows_in_transaction += static_cast<uint64_t>(rows);
  staged.published = true;
  return {};
}

void Shard::stage_discard(StagedTailId tail) {
  Impl& impl = *impl_;
  const auto found = impl.staged.find(tail);
  if (found == impl.staged.end() || found->second.published) return;
  impl.discards.push_back(found->second.info.number);
  impl.staged.erase(found);
  impl.drop_discarded();
}

void Shard::Impl::drop_discarded() {
  // Not within another's transaction, which may yet be rolled back.
  if (discards.empty() || !connection || connection.in_transaction()) return;
  const int64_t now_ns = Clock::system().monotonic_ns();
  if (now_ns < discard_retry_ns) return;
  const RelaxedSync relaxed(*this);
  std::vector<uint32_t> left;
  for (const uint32_t number : discards) {
    if (connection.in_transaction()) {  // the rollback below failed
      left.push_back(number);
      continue;
    }
    Status status = connection.exec(fmt::format(
        "BEGIN IMMEDIATE;DROP TABLE events_{0};DELETE FROM tails WHERE number={0};COMMIT", number));
    if (status.ok()) continue;
    // Invisible in any case; but a full disk needs the space, so it is tried again.
    log::warning(fmt::format("\"{}\": {}", options.path, status.error().message));
    left.push_back(number);
    discard_retry_ns = now_ns + kDiscardRetryNs;
    if (connection.in_transaction()) (void)rollback.run();
  }
  discards = std::move(left);
}

}  // namespace eventd::engine
