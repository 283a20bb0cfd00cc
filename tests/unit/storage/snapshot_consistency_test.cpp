// What readers may rely on while others write: whole transactions, in every shard at one moment, and
// never fewer than before.
#include <atomic>
#include <thread>

#include "storage_fixture.h"

namespace eventd::engine {
namespace {

constexpr int64_t kRowsPerTransaction = 100;

class SnapshotConsistency : public StorageTest {
 protected:
  // A transaction of rows whose sequence is the transaction's number.
  static Status write(Shard& shard, uint64_t number, uint16_t writer) {
    const TestEvent event{.timestamp_ns = static_cast<int64_t>(number) * 1000,
                          .sequence = number,
                          .cpu_id = writer};
    RETURN_IF_ERROR(shard.begin());
    for (int64_t i = 0; i < kRowsPerTransaction; ++i) RETURN_IF_ERROR(shard.append(event.row()));
    return shard.commit();
  }

  // The same through a staged tail, in chunks.
  static Status write_staged(Shard& shard, uint64_t number, uint16_t writer) {
    const TestEvent event{.timestamp_ns = static_cast<int64_t>(number) * 1000,
                          .sequence = number,
                          .cpu_id = writer};
    ASSIGN_OR_RETURN(const StagedTailId tail, shard.stage_create());
    const std::vector<EventRow> chunk(kRowsPerTransaction / 4, event.row());
    for (int i = 0; i < 4; ++i) RETURN_IF_ERROR(shard.stage_append(tail, chunk));
    RETURN_IF_ERROR(shard.begin());
    RETURN_IF_ERROR(shard.stage_publish(tail));
    return shard.commit();
  }

  static Status abandon(Shard& shard, uint16_t writer) {
    const TestEvent event{.timestamp_ns = -1, .sequence = 999'999, .cpu_id = writer};
    RETURN_IF_ERROR(shard.begin());
    for (int i = 0; i < 7; ++i) RETURN_IF_ERROR(shard.append(event.row()));
    shard.rollback();
    return {};
  }
};

// Rows a transaction of each writer, from a scan in either order.
using Seen = std::vector<std::vector<int64_t>>;

Seen count_rows(const Relation& relation, const ScanRequest& request, uint64_t transactions,
                uint32_t writers) {
  Seen seen(writers, std::vector<int64_t>(transactions + 1));
  auto scan = relation.scan(request);
  EXPECT_TRUE(scan.ok());
  const auto drain = [&](ScanCursor& cursor) {
    Batch batch;
    for (;;) {
      auto more = cursor.next(batch);
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) return;
      for (uint32_t row = 0; row < batch.size; ++row) {
        const auto cpu = batch.columns[0].datum(row).as<int32_t>();
        const auto sequence = batch.columns[1].datum(row).as<int64_t>();
        ASSERT_LT(static_cast<uint32_t>(cpu), writers);
        ASSERT_LE(static_cast<uint64_t>(sequence), transactions) << "rolled back";
        ++seen[static_cast<size_t>(cpu)][static_cast<size_t>(sequence)];
      }
    }
  };
  if (request.order) {
    for (size_t i = 0; i < (*scan)->partitions(); ++i) drain(**(*scan)->open_partition(i));
  } else {
    drain(**(*scan)->open_worker());
  }
  return seen;
}

TEST_F(SnapshotConsistency, CountsNeverGoBackAndTransactionsAreWhole) {
  constexpr uint32_t kWriters = 2;
  constexpr uint64_t kTransactions = 200;
  ShardSet& set = open(kWriters);
  std::atomic<uint32_t> writing{kWriters};
  std::vector<std::thread> threads;
  for (uint16_t writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      Shard& shard = set.shard(writer);
      for (uint64_t number = 1; number <= kTransactions; ++number) {
        if (number % 16 == 5) {
          EXPECT_TRUE(abandon(shard, writer).ok());
        }
        const Status status = number % 16 == 0 ? write_staged(shard, number, writer)
                                               : write(shard, number, writer);
        EXPECT_TRUE(status.ok());
        shard.checkpoint_if_due();
      }
      --writing;
    });
  }
  std::atomic<uint64_t> scans{0};
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&, reader] {
      Seen before(kWriters, std::vector<int64_t>(kTransactions + 1));
      bool last = false;
      while (!last && !HasFailure()) {
        last = writing == 0;
        ScanRequest request = this->request({column(EventColumn::kCpuId), column(EventColumn::kSequence)});
        if (reader == 1) request.order = ScanOrder{.column = 0, .descending = true};
        Seen seen = count_rows(set.events_relation(), request, kTransactions, kWriters);
        // The same snapshot again, while commits go on: the same rows.
        if (scans++ % 4 == 0) {
          EXPECT_EQ(count_rows(set.events_relation(), request, kTransactions, kWriters), seen);
        }
        for (uint32_t writer = 0; writer < kWriters; ++writer) {
          bool ended = false;
          for (uint64_t number = 1; number <= kTransactions; ++number) {
            const int64_t rows = seen[writer][number];
            ASSERT_TRUE(rows == 0 || rows == kRowsPerTransaction) << "half a transaction: " << rows;
            ASSERT_GE(rows, before[writer][number]) << "a row that was there is gone";
            ASSERT_FALSE(ended && rows != 0) << "a transaction before " << number << " is missing";
            ended |= rows == 0;
          }
        }
        before = std::move(seen);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(), kWriters * kTransactions * kRowsPerTransaction);
  EXPECT_GT(scans, 1U);
}

// A shard's commit that is seen implies what was committed in the other one before it.
TEST_F(SnapshotConsistency, AllShardsAreSeenAtOneMoment) {
  ShardSet& set = open(2);
  constexpr uint64_t kTransactions = 300;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint64_t number = 1; number <= kTransactions; ++number) {
      EXPECT_TRUE(write(set.shard(0), number, 0).ok());
      EXPECT_TRUE(write(set.shard(1), number, 1).ok());
    }
    done = true;
  });
  while (!done && !HasFailure()) {
    const Seen seen = count_rows(
        set.events_relation(), request({column(EventColumn::kCpuId), column(EventColumn::kSequence)}),
        kTransactions, 2);
    for (uint64_t number = 1; number <= kTransactions; ++number)
      EXPECT_GE(seen[0][number], seen[1][number]);
  }
  writer.join();
}

// A cursor that is left alone and gone on with, while its tail and the next ones fill up.
TEST_F(SnapshotConsistency, ALongScanSeesItsSnapshotOnly) {
  ShardSet& set = open(1);
  Shard& shard = set.shard(0);
  for (uint64_t number = 1; number <= 200; ++number) ASSERT_TRUE(write(shard, number, 0).ok());
  for (const bool ordered : {false, true}) {
    ScanRequest request = this->request({column(EventColumn::kSequence)});
    const size_t expected = count();
    if (ordered) request.order = ScanOrder{.column = 0, .descending = false};
    auto scan = set.events_relation().scan(request);
    ASSERT_TRUE(scan.ok());
    auto cursor = ordered ? (*scan)->open_partition(0) : (*scan)->open_worker();
    ASSERT_TRUE(cursor.ok());
    size_t rows = 0;
    uint64_t number = ordered ? 900 : 500;
    Batch batch;
    for (;;) {
      auto more = (*cursor)->next(batch);
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) break;
      rows += batch.size;
      // Into the past too, where an ordered scan has yet to come, and by a staged tail.
      for (int i = 0; i < 20; ++i) ASSERT_TRUE(write(shard, ++number % 300, 0).ok());
      ASSERT_TRUE(write_staged(shard, 150, 0).ok());
      shard.checkpoint_if_due();
    }
    EXPECT_EQ(rows, expected);
  }
}

}  // namespace
}  // namespace eventd::engine
