// Old rows go, and no snapshot ever takes new ones for them: storage.md "Retention".
#include <atomic>
#include <thread>

#include "engine/limits.h"
#include "engine/storage/event_snapshot.h"
#include "engine/storage/sqlite.h"
#include "storage_fixture.h"

namespace eventd::engine {
namespace {

class ExpiryTest : public StorageTest {
 protected:
  /// Rows whose time and sequence are `first` … .
  static std::vector<TestEvent> timed(int64_t first, int64_t count) {
    std::vector<TestEvent> events;
    for (int64_t i = first; i < first + count; ++i) {
      events.push_back({.timestamp_ns = i, .sequence = static_cast<uint64_t>(i)});
    }
    return events;
  }

  static uint64_t expire_all(Shard& shard, int64_t before_ns, int* steps = nullptr) {
    uint64_t rows = 0;
    for (;;) {
      const auto did = shard.expire(before_ns);
      EXPECT_TRUE(did.ok()) << (did.ok() ? "" : did.error().message);
      if (!did.ok()) return rows;
      rows += did->rows;
      if (steps) ++*steps;
      if (!did->more) return rows;
    }
  }

  int64_t query(const std::string& sql) {
    auto connection = sqlite::Connection::open(directory_ + "/events/shard-0000.db",
                                               {.mode = sqlite::OpenMode::kReadOnly});
    auto value = connection->query_int64(sql);
    EXPECT_TRUE(value.ok()) << value.error().message;
    return value.ok() ? *value : -1;
  }

  /// Least and greatest sequence a request finds, and how many.
  struct Found {
    size_t rows = 0;
    int64_t least = std::numeric_limits<int64_t>::max(), greatest = -1;
  };
  Found find(const ScanRequest& wanted) {
    Found found;
    auto scan = set_->events_relation().scan(wanted);
    EXPECT_TRUE(scan.ok());
    const auto drain = [&](ScanCursor& cursor) {
      Batch batch;
      for (;;) {
        auto more = cursor.next(batch);
        ASSERT_TRUE(more.ok()) << more.error().message;
        if (!*more) return;
        found.rows += batch.size;
        for (uint32_t i = 0; i < batch.size; ++i) {
          const auto sequence = batch.columns[0].view<int64_t>()[i];
          found.least = std::min(found.least, sequence);
          found.greatest = std::max(found.greatest, sequence);
        }
      }
    };
    if (wanted.order) {
      for (size_t i = 0; i < (*scan)->partitions(); ++i) drain(**(*scan)->open_partition(i));
    } else {
      drain(**(*scan)->open_worker());
    }
    return found;
  }
};

TEST_F(ExpiryTest, OldRowsGoInBoundedPieces) {
  Shard& shard = open().shard(0);
  constexpr int64_t kRows = kTailRowsMax + 20'000;
  for (int64_t first = 1; first <= kRows; first += 17'107) {
    append(shard, timed(first, std::min<int64_t>(17'107, kRows + 1 - first)));
  }
  const ScanRequest before = request({column(EventColumn::kSequence)});
  int steps = 0;
  const int64_t cutoff = kTailRowsMax + 10'001;
  EXPECT_EQ(expire_all(shard, cutoff, &steps), static_cast<uint64_t>(cutoff - 1));
  EXPECT_GE(steps, 3);  // the first tail at once, the rest not
  EXPECT_EQ(expire_all(shard, cutoff), 0u);
  const Found now = find(request({column(EventColumn::kSequence)}));
  EXPECT_EQ(now.rows, 10'000u);
  EXPECT_EQ(now.least, cutoff);
  EXPECT_EQ(find(before).rows, 10'000u);
  EXPECT_EQ(query("SELECT count(*) FROM events_0"), 0);
  EXPECT_EQ(query("SELECT count(*) FROM events"), 10'000);
  append(shard, timed(kRows + 1, 5));
  EXPECT_EQ(shard.committed_id(), kRows + 5);
  EXPECT_EQ(find(before).rows, 10'000u);
  open();
  EXPECT_EQ(count(), 10'005u);
}

TEST_F(ExpiryTest, IdsAndReceiptsOutliveTheRows) {
  Shard& shard = open().shard(0);
  append(shard, timed(1, 10));
  const ReceiptRange receipt{Guid{{1}}, Guid{}, 0, 1, 10};
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.add_receipts({&receipt, 1}).ok());
  ASSERT_TRUE(shard.commit().ok());
  EXPECT_EQ(expire_all(shard, 1000), 10u);
  EXPECT_EQ(count(), 0u);
  Shard& again = open().shard(0);
  EXPECT_EQ(count(), 0u);
  append(again, timed(2000, 1));
  EXPECT_EQ(again.committed_id(), 11);
  EXPECT_EQ(query("SELECT id FROM events"), 11);
  EXPECT_EQ(again.receipts()->size(), 1u);
}

TEST_F(ExpiryTest, AnEmptiedTailTakesRowsAgainUnseenByOldSnapshots) {
  Shard& shard = open().shard(0);
  const int64_t all = int64_t{kTailRowsMax} * kTailTables;
  for (int64_t first = 1; first <= all; first += 65'536) append(shard, timed(first, 65'536));
  std::vector<ScanRequest> old;
  for (int order = 0; order < 3; ++order) {
    old.push_back(request({column(EventColumn::kSequence)}));
    if (order != 0) old.back().order = ScanOrder{.column = 0, .descending = order == 2};
  }
  // By time, which an old row's tail covers and a new row of that tail does not.
  old.push_back(request({column(EventColumn::kSequence), column(EventColumn::kEventType)}));
  old.back().predicates.push_back({.column = column(EventColumn::kTimestampNs),
                                   .op = ScanPredicate::Op::kGreater,
                                   .values = {Datum::int8(30'000)}});
  old.push_back(request({column(EventColumn::kTimestampNs)}));
  EXPECT_EQ(expire_all(shard, 2 * 65'536 + 1), 2u * 65'536);
  append(shard, timed(all + 1, 1000));
  EXPECT_EQ(query("SELECT count(*) FROM events_0"), 1000);
  EXPECT_EQ(query("SELECT count(*) FROM tails"), kTailTables);
  for (const ScanRequest& wanted : old) {
    const Found found = find(wanted);
    EXPECT_EQ(found.rows, static_cast<size_t>(all - 2 * 65'536));
    EXPECT_EQ(found.greatest, all) << "a new row was taken for an old one";
  }
  const Found now = find(request({column(EventColumn::kSequence)}));
  EXPECT_EQ(now.greatest, all + 1000);
  EXPECT_EQ(now.rows, static_cast<size_t>(all - 2 * 65'536 + 1000));
  open();
  EXPECT_EQ(count(), now.rows);
}

TEST_F(ExpiryTest, ATableIsDroppedOnceNobodyMayReadIt) {
  Shard& shard = open().shard(0);
  append(shard, timed(1, 10));
  auto stage = shard.stage_create();
  ASSERT_TRUE(stage.ok());
  const std::vector<TestEvent> events = timed(11, 500);
  std::vector<EventRow> staged;
  for (const TestEvent& event : events) staged.push_back(event.row());
  ASSERT_TRUE(shard.stage_append(*stage, staged).ok());
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.stage_publish(*stage).ok());
  ASSERT_TRUE(shard.commit().ok());
  std::optional<ScanRequest> before = request({column(EventColumn::kSequence)});
  EXPECT_EQ(find(*before).rows, 510u);
  EXPECT_EQ(expire_all(shard, 400), 399u);
  EXPECT_EQ(find(*before).rows, 111u);
  EXPECT_EQ(expire_all(shard, 10'000), 111u);
  shard.checkpoint_if_due();
  EXPECT_EQ(find(*before).rows, 0u);  // the table is still there
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name='events_8'"), 1);
  before.reset();
  shard.checkpoint_if_due();
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name='events_8'"), 0);
  EXPECT_EQ(query("SELECT count(*) FROM tails"), kTailTables);
  append(shard, timed(20'000, 1));
  EXPECT_EQ(shard.committed_id(), 511);
}

TEST_F(ExpiryTest, ScansRunMeanwhile) {
  ShardSet& set = open();
  Shard& shard = set.shard(0);
  append(shard, timed(1, 20'000));
  std::atomic<int64_t> committed{20'000};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&, i] {
      while (!done && !HasFailure()) {
        const int64_t at_least = committed;
        ScanRequest wanted = request({column(EventColumn::kSequence)});
        const auto snapshot = std::static_pointer_cast<const EventSnapshot>(wanted.snapshot);
        const int64_t last = snapshot->active[0].view->last_id;
        if (i == 1) wanted.order = ScanOrder{.column = 0, .descending = true};
        const Found found = find(wanted);
        EXPECT_LE(found.greatest, last);
        EXPECT_GE(found.greatest, at_least);
      }
    });
  }
  for (int64_t round = 0; round < 60; ++round) {
    append(shard, timed(committed + 1, 500));
    committed += 500;
    ASSERT_TRUE(shard.expire(committed - 8000).ok());
    shard.checkpoint_if_due();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_F(ExpiryTest, FilesNobodyWritesExpireToo) {
  open(3);
  for (uint32_t i = 0; i < 3; ++i) append(set_->shard(i), timed(i * 1000 + 1, 1000));
  set_.reset();
  ShardSet& set = open(1);
  const auto snapshot = std::static_pointer_cast<const EventSnapshot>(set.snapshot());
  ASSERT_EQ(snapshot->historical->size(), 2u);
  const ScanRequest before = request({column(EventColumn::kSequence)});
  const std::atomic<bool> go_on{false};
  uint64_t deleted = 0;
  for (const ShardSnapshot& shard : *snapshot->historical) {
    const auto rows = set.expire_historical(shard.file, 2501, go_on);
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    deleted += *rows;
  }
  EXPECT_EQ(deleted, 1500u);
  EXPECT_EQ(find(request({column(EventColumn::kSequence)})).rows, 1500u);
  EXPECT_EQ(find(before).rows, 1500u);
  // A damaged one is left as it is.
  (*snapshot->historical)[1].file->forbid_writes();
  EXPECT_EQ(*set.expire_historical((*snapshot->historical)[1].file, 9999, go_on), 0u);
  open(1);
  EXPECT_EQ(count(), 1500u);
}

}  // namespace
}  // namespace eventd::engine
