// The WAL stays bounded while a cursor is open for long: ingest.md "Writer".
#include <atomic>
#include <chrono>
#include <thread>

#include "engine/stats/registry.h"
#include "storage_fixture.h"
#include "tests/support/long_tests.h"

namespace eventd::engine {
namespace {

constexpr int64_t kBatch = 5000;
constexpr int64_t kRowsPerSecond = 50'000;
constexpr int64_t kBefore = 40'000;  // rows of the snapshot

class WalBoundTest : public StorageTest {
 protected:
  static std::vector<TestEvent> batch(int64_t first) {
    std::vector<TestEvent> events;
    for (int64_t i = first; i < first + kBatch; ++i) {
      events.push_back({.timestamp_ns = 1'000'000 + i,
                        .payload = std::string("\xd9\xc8") + std::string(200, 'w'),
                        .sequence = static_cast<uint64_t>(i)});
    }
    return events;
  }
  uint64_t wal_file_bytes() const {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(directory_ + "/events/shard-0000.db-wal", error);
    return error ? 0 : bytes;
  }
};

TEST_F(WalBoundTest, UnderALongCursor) {
  constexpr int64_t kLimit = 8 << 20;
  auto opened = ShardSet::open({.directory = directory_ + "/events",
                                .shard_count = 1,
                                .wal_size_limit_bytes = 64 << 20});
  ASSERT_TRUE(opened.ok());
  set_ = std::move(*opened);
  set_->set_limits(16, kLimit);  // live
  Shard& shard = set_->shard(0);
  for (int64_t first = 0; first < kBefore; first += kBatch) append(shard, batch(first));
  shard.checkpoint_if_due();

  Counter& blocked = stats().counter("storage.wal_restarts_blocked");
  Counter& restarts = stats().counter("storage.wal_restarts");
  const uint64_t blocked_before = blocked.value(), restarts_before = restarts.value();
  std::atomic<bool> done{false};
  // Two cursors, one in each kind of order, that last as long as the writer does.
  std::vector<std::thread> readers;
  for (const bool ordered : {false, true}) {
    ScanRequest wanted = request({column(EventColumn::kSequence), column(EventColumn::kPayload)});
    if (ordered) wanted.order = ScanOrder{.column = 0, .descending = false};
    readers.emplace_back([this, ordered, wanted, &done] {
      auto scan = set_->events_relation().scan(wanted);
      ASSERT_TRUE(scan.ok());
      auto cursor = ordered ? (*scan)->open_partition(0) : (*scan)->open_worker();
      ASSERT_TRUE(cursor.ok());
      Batch rows;
      std::vector<bool> seen(kBefore);
      int64_t count = 0;
      for (;;) {
        auto more = (*cursor)->next(rows);
        ASSERT_TRUE(more.ok()) << more.error().message;
        if (!*more) break;
        for (uint32_t i = 0; i < rows.size; ++i) {
          const auto sequence = rows.columns[0].view<int64_t>()[i];
          ASSERT_LT(sequence, kBefore) << "not of the snapshot";
          ASSERT_FALSE(seen[static_cast<size_t>(sequence)]);
          seen[static_cast<size_t>(sequence)] = true;
          ++count;
        }
        // The last piece only when the writer is done.
        while (!done && count > kBefore - 8000) {
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        if (!done) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      EXPECT_EQ(count, kBefore);
    });
  }
  const int64_t end = kBefore + kRowsPerSecond * (long_tests() ? 600 : 3);
  uint64_t most = 0, largest_batch = 0;
  int64_t written = kBefore;
  auto next = std::chrono::steady_clock::now();
  while (written < end && !HasFailure()) {
    const uint64_t before = shard.wal_bytes();
    append(shard, batch(written));
    written += kBatch;
    largest_batch = std::max(largest_batch, shard.wal_bytes() - std::min(before, shard.wal_bytes()));
    most = std::max({most, shard.wal_bytes(), wal_file_bytes()});
    shard.checkpoint_if_due();
    next += std::chrono::nanoseconds(1'000'000'000 / (kRowsPerSecond / kBatch));
    std::this_thread::sleep_until(next);  // what is missed is made up for
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GT(restarts.value(), restarts_before);
  // A machine so busy that readers did not leave the gate in time gets more, not without end.
  const bool in_time = blocked.value() == blocked_before;
  const uint64_t bound = (in_time ? 1 : 2) * static_cast<uint64_t>(kLimit) + 2 * largest_batch;
  EXPECT_LE(most, bound);
  std::printf("%lld rows, WAL at most %.1f MiB, limit %.1f, largest batch %.1f, %llu restarts, %llu late\n",
              static_cast<long long>(written - kBefore), static_cast<double>(most) / (1 << 20),
              static_cast<double>(kLimit) / (1 << 20), static_cast<double>(largest_batch) / (1 << 20),
              static_cast<unsigned long long>(restarts.value() - restarts_before),
              static_cast<unsigned long long>(blocked.value() - blocked_before));
}

// What a crash leaves is checkpointed soon, and is all there.
TEST_F(WalBoundTest, ALargeWalLeftByACrash) {
  const int64_t batches = long_tests() ? 400 : 12;
  const std::string path = directory_ + "/events/shard-0000.db";
  {
    auto opened = ShardSet::open({.directory = directory_ + "/events",
                                  .shard_count = 1,
                                  .wal_size_limit_bytes = int64_t{8} << 30});
    ASSERT_TRUE(opened.ok());
    set_ = std::move(*opened);
    for (int64_t i = 0; i < batches; ++i) append(set_->shard(0), batch(i * kBatch));
    // As the files lie when the process is killed now.
    std::filesystem::create_directories(directory_ + "/crashed");
    for (const char* side : {"", "-wal"}) {
      std::filesystem::copy_file(path + side, directory_ + "/crashed/shard-0000.db" + side);
    }
    set_.reset();
  }
  std::filesystem::remove_all(directory_ + "/events");
  std::filesystem::rename(directory_ + "/crashed", directory_ + "/events");
  const uint64_t wal = wal_file_bytes();
  ASSERT_GT(wal, uint64_t{8} << 20);
  const auto start = std::chrono::steady_clock::now();
  auto opened = ShardSet::open({.directory = directory_ + "/events",
                                .shard_count = 1,
                                .wal_size_limit_bytes = 4 << 20});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(opened.ok());
  set_ = std::move(*opened);
  std::printf("recovered %.0f MB of WAL in %.3f s: %.2f s per GB\n", static_cast<double>(wal) / 1e6,
              seconds.count(), seconds.count() / (static_cast<double>(wal) / 1e9));
  EXPECT_EQ(set_->shard(0).committed_id(), batches * kBatch);
  set_->shard(0).checkpoint_if_due();
  EXPECT_EQ(set_->shard(0).wal_bytes(), 0u);
  append(set_->shard(0), batch(batches * kBatch));
  EXPECT_LE(wal_file_bytes(), uint64_t{6} << 20);
  EXPECT_EQ(count(), static_cast<size_t>((batches + 1) * kBatch));
}

}  // namespace
}  // namespace eventd::engine
