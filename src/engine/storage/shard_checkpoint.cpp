// WAL checkpoints: ingest.md "Writer". Only the writer checkpoints, between batches.
#include <chrono>
#include <string>

#include "clock.h"
#include "engine/limits.h"
#include "engine/storage/shard_impl.h"

namespace eventd::engine {
namespace {

constexpr uint64_t kPassiveBytes = 8 << 20;
// After readers outside this process have blocked a restart, not at every batch again.
constexpr int64_t kRestartRetryNs = 250'000'000;
constexpr int64_t kFarBeyondWaitNs = 2'000'000'000;

}  // namespace

bool Shard::checkpoint_due() const {
  const uint64_t pages = impl_->wal_pages < impl_->wal_pages_checkpointed
                             ? impl_->wal_pages
                             : impl_->wal_pages - impl_->wal_pages_checkpointed;
  return !impl_->discards.empty() ||
         pages * (impl_->options.page_size_bytes + 24) >= kPassiveBytes;
}

Status Shard::Impl::apply_wal_size_limit() {
  const int64_t bytes = wal_size_limit_bytes.load(std::memory_order_relaxed);
  if (bytes == journal_size_limit_bytes) return {};
  journal_size_limit_bytes = bytes;
  return connection.exec("PRAGMA journal_size_limit=" + std::to_string(bytes));
}

bool Shard::Impl::restart_wal() {
  ReaderGate& gate = file->gate();
  bool restarted = false;
  // Beyond reach of a slow reader only for a while: past twice the limit the writer waits for it.
  const bool far_beyond = wal_pages * wal_frame_bytes > 2 * static_cast<uint64_t>(journal_size_limit_bytes);
  if (gate.close(std::chrono::nanoseconds(far_beyond ? kFarBeyondWaitNs : 2 * kScanSliceNs))) {
    sqlite3_busy_timeout(connection.raw(), 50);
    restarted = sqlite3_wal_checkpoint_v2(connection.raw(), nullptr, SQLITE_CHECKPOINT_RESTART,
                                          nullptr, nullptr) == SQLITE_OK;
    sqlite3_busy_timeout(connection.raw(), 5000);
  }
  gate.open();
  if (restarted) {
    wal_pages = wal_pages_checkpointed = 0;
    wal_restarts.add();
  } else {
    wal_restarts_blocked.add();
  }
  wal_bytes.store(wal_pages * wal_frame_bytes, std::memory_order_relaxed);
  return restarted;
}

void Shard::Impl::checkpoint_passive() {
  // A failure (a busy reader, a full disk) is no loss: the WAL holds everything; tried again later.
  (void)sqlite3_wal_checkpoint_v2(connection.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                  nullptr);
  wal_pages_checkpointed = wal_pages;
  checkpoints.add();
}

void Shard::checkpoint_if_due() {
  Impl& impl = *impl_;
  if (!impl.connection) return;
  impl.discard_retired();
  impl.drop_discarded();
  // Only the size to which the file is cut: a failure is no loss.
  (void)impl.apply_wal_size_limit();
  // The WAL starts again from its beginning once everything in it has been checkpointed.
  if (impl.wal_pages < impl.wal_pages_checkpointed) impl.wal_pages_checkpointed = 0;
  const uint64_t unwritten = (impl.wal_pages - impl.wal_pages_checkpointed) * impl.wal_frame_bytes;
  const uint64_t bytes = impl.wal_pages * impl.wal_frame_bytes;
  const auto limit_bytes = static_cast<uint64_t>(impl.wal_size_limit_bytes.load(std::memory_order_relaxed));
  const int64_t now_ns = Clock::system().monotonic_ns();
  if (bytes > limit_bytes && now_ns >= impl.restart_retry_ns) {
    // What a crash left may be large: written first while readers go on.
    if (unwritten > kPassiveBytes) impl.checkpoint_passive();
    if (!impl.restart_wal()) impl.restart_retry_ns = now_ns + kRestartRetryNs;
    return;
  }
  if (unwritten >= kPassiveBytes) impl.checkpoint_passive();
}

}  // namespace eventd::engine
