// Retention in a shard that is being written. Spec: storage.md "Retention".
#include <fmt/format.h>

#include <algorithm>

#include "engine/limits.h"
#include "engine/storage/shard_impl.h"
#include "engine/storage/tail_expiry.h"

namespace eventd::engine {

Result<ExpiryStep> Shard::expire(int64_t before_ns) {
  Impl& impl = *impl_;
  RETURN_IF_ERROR(impl.ensure_connected());
  auto rows = impl.expire_one(before_ns);
  if (!rows.ok() && rows.error().code == sqlstate::kDiskFull) {
    // A WAL begun anew needs no space for the few pages a deletion writes.
    impl.restart_wal();
    rows = impl.expire_one(before_ns);
  }
  if (!rows.ok()) return std::move(rows).take_status();
  // While one piece follows the other there is no idle moment for it.
  checkpoint_if_due();
  const bool more = std::any_of(impl.working.tails.begin(), impl.working.tails.end(),
                                [&](const TailInfo& tail) { return has_expired(tail, before_ns); });
  return ExpiryStep{.rows = *rows, .more = more};
}

Result<uint64_t> Shard::Impl::expire_one(int64_t before_ns) {
  size_t index = 0;
  while (index < working.tails.size() && !has_expired(working.tails[index], before_ns)) ++index;
  if (index == working.tails.size()) return 0;
  // A deletion that a power loss undoes is done again.
  const RelaxedSync relaxed(*this);
  const auto retired_before = static_cast<ptrdiff_t>(retired.size());
  RETURN_IF_ERROR(begin.run());
  auto rows = expire_tail(index, before_ns);
  Status status = rows.ok() ? commit.run() : std::move(rows).take_status();
  if (!status.ok()) {
    if (connection.in_transaction()) (void)rollback.run();
    retired.erase(retired.begin() + retired_before, retired.end());
    restore();
    return status;
  }
  publish();
  return *rows;
}

Result<uint64_t> Shard::Impl::expire_tail(size_t index, int64_t before_ns) {
  // The rows with the highest ids may be among them.
  RETURN_IF_ERROR(event_schema::save_last_id(connection, working.last_id));
  ASSIGN_OR_RETURN(const uint64_t rows, expire_piece(connection, working.tails[index], before_ns));
  const TailInfo tail = working.tails[index];
  if (tail.row_count > 0 || tail.number < kTailTables || index == current) return rows;
  // An overflow or staged tail goes with its last row. The empty table stays until no snapshot may
  // still look into it; or until the next start, by its state.
  RETURN_IF_ERROR(connection.exec(fmt::format("UPDATE tails SET state=0 WHERE number={}", tail.number)));
  working.tails.erase(working.tails.begin() + static_cast<ptrdiff_t>(index));
  if (index < current) --current;
  RETURN_IF_ERROR(recreate_view());
  std::erase_if(inserts, [&](const auto& entry) { return entry.first == tail.number; });
  retired.push_back({tail.number, tail.readers});
  return rows;
}

void Shard::Impl::discard_retired() {
  std::erase_if(retired, [this](const Retired& tail) {
    if (!tail.readers.expired()) return false;
    discards.push_back(tail.number);
    return true;
  });
}

}  // namespace eventd::engine
