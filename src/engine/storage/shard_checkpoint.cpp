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

void Shard::checkpoint_if_due() {
  Impl& impl = *impl_;
  if (!impl.connection) return;
  impl.drop_discarded();
  // Only the size to which the file is cut: a failure is no loss.
  (void)impl.apply_wal_size_limit();
  const uint64_t page_bytes = impl.wal_frame_bytes;
  // The WAL starts again from its beginning once everything in it has been checkpointed.
  if (impl.wal_pages < impl.wal_pages_checkpointed) impl.wal_pages_checkpointed = 0;
  const uint64_t bytes = impl.wal_pages * page_bytes;
  const int64_t limit_bytes = impl.wal_size_limit_bytes.load(std::memory_order_relaxed);
  if (bytes > static_cast<uint64_t>(limit_bytes)) {
    const int64_t now_ns = Clock::system().monotonic_ns();
    if (now_ns >= impl.restart_retry_ns) {
      ReaderGate& gate = impl.file->gate();
      bool restarted = false;
      const bool empty = gate.close(std::chrono::nanoseconds(2 * kScanSliceNs));
      if (empty) {
        sqlite3_busy_timeout(impl.connection.raw(), 50);
        int frames = 0, done = 0;
        const int rc = sqlite3_wal_checkpoint_v2(impl.connection.raw(), nullptr,
                                                 SQLITE_CHECKPOINT_RESTART, &frames, &done);
        sqlite3_busy_timeout(impl.connection.raw(), 5000);
        restarted = rc == SQLITE_OK;
      }
      gate.open();
      if (restarted) {
        impl.wal_pages = impl.wal_pages_checkpointed = 0;
        impl.wal_restarts.add();
      } else {
        impl.restart_retry_ns = now_ns + kRestartRetryNs;
      }
      impl.wal_bytes.store(impl.wal_pages * page_bytes, std::memory_order_relaxed);
      return;
    }
  }
  if ((impl.wal_pages - impl.wal_pages_checkpointed) * page_bytes < kPassiveBytes) return;
  // A failure (a busy reader, a full disk) is no loss: the WAL holds everything; tried again later.
  (void)sqlite3_wal_checkpoint_v2(impl.connection.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                  nullptr);
  impl.wal_pages_checkpointed = impl.wal_pages;
  impl.checkpoints.add();
}

}  // namespace eventd::engine
