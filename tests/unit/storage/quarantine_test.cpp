// Files that are damaged, or of another version: storage.md "Corruption".
#include <atomic>
#include <thread>

#include "damage.h"
#include "engine/stats/registry.h"
#include "engine/storage/shard_files.h"
#include "engine/storage/sqlite.h"

namespace eventd::engine {
namespace {

class QuarantineTest : public StorageTest {
 protected:
  std::string path() const { return directory_ + "/events/shard-0000.db"; }

  std::vector<std::string> files(const std::string& containing) const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/events")) {
      const std::string name = entry.path().filename().string();
      if (name.find(containing) != std::string::npos) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  std::vector<std::string> databases(const std::string& containing) const {
    std::vector<std::string> found = files(containing);
    std::erase_if(found, [](const std::string& name) { return !name.ends_with(".db"); });
    return found;
  }

  /// The sequences a scan returns, unordered or (checked) in the order of time.
  std::vector<int64_t> sequences(std::optional<bool> descending = {}) {
    ScanRequest wanted = request({column(EventColumn::kSequence), column(EventColumn::kTimestampNs)});
    std::vector<int64_t> found;
    const auto add = [&](const std::vector<std::vector<Datum>>& part) {
      for (size_t i = 0; i < part.size(); ++i) {
        found.push_back(part[i][0].as<int64_t>());
        if (!descending || i == 0) continue;
        const int64_t before = part[i - 1][1].as<int64_t>(), now = part[i][1].as<int64_t>();
        EXPECT_TRUE(*descending ? before >= now : before <= now);
      }
    };
    if (descending) {
      wanted.order = ScanOrder{.column = 0, .descending = *descending};
      for (const auto& part : partitions(wanted)) add(part);
    } else {
      add(rows(wanted));
    }
    std::sort(found.begin(), found.end());
    return found;
  }
};

std::vector<int64_t> range(int64_t first, int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = first; i < first + count; ++i) numbers.push_back(i);
  return numbers;
}

const Error kWhy{sqlstate::kDataCorrupted, "test", {}, {}, {}};

TEST_F(QuarantineTest, WhatIsNoDatabaseGivesWayAtStart) {
  std::filesystem::create_directories(directory_ + "/events");
  write_bytes(path(), std::string(100'000, 'g'));
  ShardSet& set = open();
  ASSERT_EQ(set.quarantined_at_start().size(), 1u);
  EXPECT_EQ(set.quarantined_at_start()[0].index, 0u);
  const auto aside = files("corrupt-");
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(set.quarantined_at_start()[0].path, aside[0]);
  EXPECT_EQ(read_bytes(aside[0]), std::string(100'000, 'g'));
  append(set.shard(0), marked(0, 10));
  EXPECT_EQ(sequences(), range(0, 10));
  // Nothing to set aside the next time.
  EXPECT_TRUE(open().quarantined_at_start().empty());
  EXPECT_EQ(count(), 10u);
}

TEST_F(QuarantineTest, AnotherDatabaseGivesWayAtStart) {
  std::filesystem::create_directories(directory_ + "/events");
  {
    auto connection = sqlite::Connection::open(path(), {});
    ASSERT_TRUE(connection->exec("CREATE TABLE other(x);INSERT INTO other VALUES(7)").ok());
  }
  EXPECT_EQ(open().quarantined_at_start().size(), 1u);
  EXPECT_EQ(databases("corrupt-").size(), 1u);
}

TEST_F(QuarantineTest, AnUnknownVersionIsReadAndNeverWritten) {
  append(open().shard(0), marked(0, 50));
  set_.reset();
  {
    auto connection = sqlite::Connection::open(path(), {});
    ASSERT_TRUE(connection->exec("UPDATE metadata SET value='99' WHERE key='schema_version'").ok());
  }
  const std::string before = read_bytes(path());
  ShardSet& set = open();
  ASSERT_EQ(set.quarantined_at_start().size(), 1u);
  EXPECT_NE(set.quarantined_at_start()[0].reason.find("schema_version \"99\""), std::string::npos);
  append(set.shard(0), marked(50, 5));
  EXPECT_EQ(set.shard(0).committed_id(), 55);
  EXPECT_EQ(sequences(), range(0, 55));
  EXPECT_EQ(sequences(true), range(0, 55));
  const auto aside = files("unknown-version-");
  ASSERT_FALSE(aside.empty());
  EXPECT_EQ(read_bytes(aside[0]), before);
}

TEST_F(QuarantineTest, RowsReceiptsAndIdsGoOn) {
  ShardSet& set = open();
  Shard& shard = set.shard(0);
  append(shard, marked(0, 100));
  const ReceiptRange receipt{Guid{{1}}, Guid{{2}}, 3, 1, 500};
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.add_receipts({&receipt, 1}).ok());
  ASSERT_TRUE(shard.commit().ok());
  auto stage = shard.stage_create();
  ASSERT_TRUE(stage.ok());
  const ScanRequest before = request({});

  ASSERT_TRUE(shard.quarantine(kWhy).ok());
  EXPECT_EQ(files("corrupt-").size(), 3u);  // with its WAL and shm
  EXPECT_EQ(rows(before).size(), 100u);
  EXPECT_EQ(sequences(), range(0, 100));
  EXPECT_EQ(*shard.last_sequence(Guid{{1}}, Guid{{2}}, 3), 500u);
  append(shard, marked(100, 10));
  EXPECT_EQ(shard.committed_id(), 110);
  EXPECT_EQ(rows(before).size(), 100u);
  EXPECT_EQ(sequences(false), range(0, 110));
  // The staged tail went with the old file, and its number is nobody else's.
  const std::vector<TestEvent> events = marked(0, 1);
  const EventRow row = events[0].row();
  const Status lost = shard.stage_append(*stage, {&row, 1});
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, sqlstate::kIoError);
  auto next = shard.stage_create();
  ASSERT_TRUE(next.ok());
  EXPECT_GT(*next, *stage);
  shard.stage_discard(*stage);

  // Again, at once: another name.
  ASSERT_TRUE(shard.quarantine(kWhy).ok());
  append(shard, marked(110, 1));
  EXPECT_EQ(sequences(), range(0, 111));
  ShardSet& again = open();
  EXPECT_TRUE(again.quarantined_at_start().empty());
  EXPECT_EQ(sequences(), range(0, 111));
  append(again.shard(0), marked(111, 1));
  EXPECT_EQ(again.shard(0).committed_id(), 112);
  EXPECT_EQ(again.historical_receipts().size(), 2u);
}

TEST_F(QuarantineTest, ADamagedPageCostsItsRowsOnly) {
  constexpr int64_t kRows = 20'000;
  append(open().shard(0), marked(0, kRows));
  set_.reset();
  // Two neighbours and one apart.
  damage_page_with(path(), "mark-10005000-");
  damage_page_with(path(), "mark-10012000-");
  damage_page_with(path(), "mark-10012100-");
  ShardSet& set = open();
  ASSERT_TRUE(set.quarantined_at_start().empty());  // the structure is whole
  Counter& damaged = stats().counter("storage.damaged_reads");
  const uint64_t before = damaged.value();
  const std::vector<int64_t> found = sequences();
  EXPECT_GT(damaged.value(), before);
  EXPECT_TRUE(set.shard(0).damage_reported());
  ScanCounters counters;
  rows(request({column(EventColumn::kSequence)}), &counters);
  EXPECT_EQ(counters.damaged_tails, 1u);  // which the client is warned of
  // Pages hold some 60 of these rows.
  EXPECT_LT(found.size(), static_cast<size_t>(kRows));
  EXPECT_GT(found.size(), static_cast<size_t>(kRows - 500));
  EXPECT_EQ(std::set<int64_t>(found.begin(), found.end()).size(), found.size()) << "a row twice";
  for (const int64_t missing : {5000, 12'000, 12'100}) {
    EXPECT_FALSE(std::binary_search(found.begin(), found.end(), missing));
  }
  for (const int64_t there : {0, 4800, 5200, 11'800, 12'400, 19'999}) {
    EXPECT_TRUE(std::binary_search(found.begin(), found.end(), there)) << there;
  }
  EXPECT_EQ(sequences(false), found);
  EXPECT_EQ(sequences(true), found);
  // A range of time, which goes by the index and to the table for each row.
  ScanRequest some = request({column(EventColumn::kSequence), column(EventColumn::kPayload)});
  some.predicates.push_back({.column = column(EventColumn::kTimestampNs),
                             .op = ScanPredicate::Op::kLess,
                             .values = {Datum::int8(1'000'000 + 6000)}});
  EXPECT_EQ(rows(some).size(),
            static_cast<size_t>(std::lower_bound(found.begin(), found.end(), 6000) - found.begin()));

  ASSERT_TRUE(set.shard(0).quarantine(kWhy).ok());
  EXPECT_FALSE(set.shard(0).damage_reported());
  append(set.shard(0), marked(kRows, 3));
  std::vector<int64_t> all = found;
  for (int64_t i = 0; i < 3; ++i) all.push_back(kRows + i);
  EXPECT_EQ(sequences(), all);
  open();
  EXPECT_EQ(sequences(), all);
  EXPECT_EQ(sequences(true), all);
}

// Every page in turn, one at a time: never a crash, never a row twice or one that was not there.
TEST_F(QuarantineTest, AnyDamagedPageIsSurvived) {
  constexpr int64_t kRows = 1500;
  append(open().shard(0), marked(0, kRows));
  ASSERT_TRUE(set_->shard(0).begin().ok());
  const ReceiptRange receipt{Guid{{1}}, Guid{{2}}, 3, 1, 500};
  ASSERT_TRUE(set_->shard(0).add_receipts({&receipt, 1}).ok());
  ASSERT_TRUE(set_->shard(0).commit().ok());
  set_.reset();
  const std::string whole = read_bytes(path());
  size_t readable = 0;
  for (size_t page = 0; page < whole.size() / 16'384; ++page) {
    {
      const char fill = page % 2 == 0 ? '\xee' : '\0';
      std::filesystem::remove_all(directory_ + "/events");
      std::filesystem::create_directories(directory_ + "/events");
      std::string bytes = whole;
      bytes.replace(page * 16'384, 16'384, std::string(16'384, fill));
      write_bytes(path(), bytes);
      ShardSet& set = open();
      Shard& shard = set.shard(0);
      for (const bool ordered : {false, true}) {
        const std::vector<int64_t> found = ordered ? sequences(false) : sequences();
        EXPECT_EQ(std::set<int64_t>(found.begin(), found.end()).size(), found.size()) << page;
        if (!found.empty()) {
          EXPECT_GE(found.front(), 0);
          EXPECT_LT(found.back(), kRows);
        }
        readable += found.size();
      }
      if (shard.damage_reported()) {
        ASSERT_TRUE(shard.quarantine(kWhy).ok()) << page;
      }
      Status status = shard.begin();
      const TestEvent event{.timestamp_ns = 1, .sequence = kRows};
      if (status.ok()) status = shard.append(event.row());
      if (status.ok()) status = shard.commit();
      if (!status.ok()) {
        EXPECT_EQ(status.error().code, sqlstate::kDataCorrupted) << status.error().message;
        shard.rollback();
        ASSERT_TRUE(shard.quarantine(status.error()).ok());
        append(shard, {event});
      }
      EXPECT_GE(count(), 1u);
    }
  }
  EXPECT_GT(readable, 4 * static_cast<size_t>(kRows));
}

TEST_F(QuarantineTest, AnInterruptedRenamingIsFinished) {
  append(open().shard(0), marked(0, 10));
  set_.reset();
  const std::string target = directory_ + "/events/shard-0000.corrupt-20260101T000000Z.db";
  // As after a crash between the two renames.
  write_bytes(target + "-wal", "");
  std::filesystem::create_symlink(std::filesystem::path(target).filename(), path() + "-renaming");
  ASSERT_TRUE(shard_files::finish(directory_ + "/events").ok());
  EXPECT_TRUE(std::filesystem::exists(target));
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_TRUE(files("-renaming").empty());
  // Done: the mark alone is left. The new file stays where it is.
  append(open().shard(0), marked(10, 10));
  set_.reset();
  std::filesystem::create_symlink(std::filesystem::path(target).filename(), path() + "-renaming");
  open();
  EXPECT_EQ(sequences(), range(0, 20));
  EXPECT_EQ(databases("corrupt-").size(), 1u);
}

TEST_F(QuarantineTest, ReadersGoOnMeanwhile) {
  ShardSet& set = open(2);
  append(set.shard(0), marked(0, 3000));
  append(set.shard(1), marked(3000, 3000));
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      size_t last = 0;
      while (!done) {
        ScanRequest wanted = request({column(EventColumn::kSequence)});
        if (i == 1) wanted.order = ScanOrder{.column = 0, .descending = true};
        size_t seen = 0;
        if (i == 1) {
          for (const auto& part : partitions(wanted)) seen += part.size();
        } else {
          seen = rows(wanted).size();
        }
        EXPECT_GE(seen, last);
        last = seen;
      }
    });
  }
  for (int64_t round = 0; round < 8; ++round) {
    append(set.shard(0), marked(6000 + round, 1));
    EXPECT_TRUE(set.shard(0).quarantine(kWhy).ok());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(sequences(), range(0, 6008));
}

}  // namespace
}  // namespace eventd::engine
