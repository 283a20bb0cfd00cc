#include "engine/storage/shard.h"

#include <gmock/gmock.h>

#include "engine/storage/sqlite.h"
#include "storage_fixture.h"

namespace eventd::engine {
namespace {

std::vector<TestEvent> numbered(int64_t first, int64_t count) {
  std::vector<TestEvent> events;
  for (int64_t i = first; i < first + count; ++i) {
    events.push_back({.timestamp_ns = 1'000'000 + i, .sequence = static_cast<uint64_t>(i)});
  }
  return events;
}

int64_t query(const std::string& path, const std::string& sql) {
  auto connection = sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly});
  EXPECT_TRUE(connection.ok());
  auto value = connection->query_int64(sql);
  EXPECT_TRUE(value.ok()) << value.error().message;
  return value.ok() ? *value : -1;
}

TEST_F(StorageTest, StoresEveryColumnAndNull) {
  Shard& shard = open().shard(0);
  const Guid process = *Guid::parse("00112233-4455-6677-8899-aabbccddeeff");
  append(shard, {{.timestamp_ns = 1'700'000'000'123'456'789,
                  .type = "a.b",
                  .payload = "\x81\xa1k\x07",
                  .sequence = 42,
                  .cpu_id = 3,
                  .origin_class = 2,
                  .process = process},
                 {.timestamp_ns = -1, .type = "bare"}});
  std::vector<ScanColumn> all;
  for (int i = 0; i < kEventColumns; ++i) all.push_back(column(static_cast<EventColumn>(i)));
  const auto got = rows(request(all));
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0][0].as<int64_t>(), 1'700'000'000'123'456 - 946'684'800'000'000);
  EXPECT_EQ(got[0][1].bytes(), "a.b");
  EXPECT_EQ(got[0][2].as<int16_t>(), 2);
  EXPECT_EQ(got[0][3].as<int32_t>(), 3);
  EXPECT_EQ(got[0][4].as<int64_t>(), 42);
  EXPECT_EQ(got[0][5].as<UuidValue>().bytes[0], 0x00);
  EXPECT_EQ(got[0][5].as<UuidValue>().bytes[3], 0x33);
  EXPECT_TRUE(got[0][6].is_null());
  EXPECT_EQ(got[0][9].bytes(), "\x81\xa1k\x07");
  EXPECT_EQ(got[0][10].as<int64_t>(), 1'700'000'000'123'456'789);
  // Nanosecond -1 belongs to microsecond -1.
  EXPECT_EQ(got[1][0].as<int64_t>(), -1 - 946'684'800'000'000);
  for (const int null : {2, 3, 4, 5, 6, 7, 9}) EXPECT_TRUE(got[1][static_cast<size_t>(null)].is_null());
}

TEST_F(StorageTest, RollbackLeavesNothingAndIdsGoOn) {
  Shard& shard = open().shard(0);
  append(shard, numbered(0, 10));
  ASSERT_TRUE(shard.begin().ok());
  for (const TestEvent& e : numbered(10, 5)) ASSERT_TRUE(shard.append(e.row()).ok());
  shard.rollback();
  EXPECT_EQ(count(), 10u);
  append(shard, numbered(20, 1));
  EXPECT_EQ(shard.committed_id(), 11);
  EXPECT_EQ(shard.committed_rows(), 11u);
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM events"), 11);
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM event_types"), 1);
}

TEST_F(StorageTest, TailsFillInTurnAndOverflowIntoNewTables) {
  Shard& shard = open().shard(0);
  const int64_t total = int64_t{kTailRowsMax} * kTailTables + 10;
  for (int64_t first = 0; first < total; first += 20'000) {
    append(shard, numbered(first, std::min<int64_t>(20'000, total - first)));
  }
  EXPECT_EQ(count(), static_cast<size_t>(total));
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM events_0"), kTailRowsMax);
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM events_8"), 10);
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM events"), total);
  // A table made in a transaction that is rolled back is made again by the next.
  Shard& again = open().shard(0);
  append(again, numbered(total, 5));
  EXPECT_EQ(query(again.path(), "SELECT count(*) FROM events_8"), 15);
  EXPECT_EQ(again.committed_id(), total + 5);
}

TEST_F(StorageTest, RollbackAcrossANewTable) {
  Shard& shard = open().shard(0);
  const int64_t total = int64_t{kTailRowsMax} * kTailTables;
  append(shard, numbered(0, total));
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_TRUE(shard.begin().ok());
    for (const TestEvent& e : numbered(total, 3)) ASSERT_TRUE(shard.append(e.row()).ok());
    shard.rollback();
    EXPECT_EQ(count(), static_cast<size_t>(total));
  }
  append(shard, numbered(total, 3));
  EXPECT_EQ(count(), static_cast<size_t>(total + 3));
}

TEST_F(StorageTest, SnapshotSeesNothingLater) {
  Shard& shard = open(2).shard(0);
  append(shard, numbered(0, 3000));
  ScanRequest before = request({column(EventColumn::kSequence)});
  append(shard, numbered(3000, 3000));
  append(set_->shard(1), numbered(6000, 10));
  EXPECT_EQ(rows(before).size(), 3000u);
  EXPECT_EQ(count(), 6010u);
  before.order = ScanOrder{0, true};
  const auto ordered = partitions(before);
  ASSERT_EQ(ordered.size(), 1u);
  EXPECT_EQ(ordered[0].size(), 3000u);
  EXPECT_EQ(ordered[0][0][0].as<int64_t>(), 2999);
}

TEST_F(StorageTest, StagedRowsAppearOnceWithTheirPublishingCommit) {
  Shard& shard = open().shard(0);
  append(shard, numbered(0, 100));
  auto stage = shard.stage_create();
  ASSERT_TRUE(stage.ok());
  for (int64_t chunk = 0; chunk < 3; ++chunk) {
    std::vector<TestEvent> events = numbered(1000 + chunk * 1000, 1000);
    std::vector<EventRow> staged;
    for (const TestEvent& e : events) staged.push_back(e.row());
    ASSERT_TRUE(shard.stage_append(*stage, staged).ok());
    append(shard, numbered(100 + chunk, 1));  // others commit meanwhile
  }
  EXPECT_EQ(count(), 103u);
  const ScanRequest before = request({});
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.stage_publish(*stage).ok());
  EXPECT_EQ(count(), 103u);
  ASSERT_TRUE(shard.commit().ok());
  EXPECT_EQ(rows(before).size(), 103u);
  EXPECT_EQ(count(), 3103u);
  EXPECT_EQ(shard.committed_rows(), 3103u);
  append(shard, numbered(5000, 7));
  EXPECT_EQ(count(), 3110u);
  EXPECT_EQ(query(shard.path(), "SELECT count(DISTINCT id) FROM events"), 3110);
  // Reopened, everything is where it was, and new ids are above all others.
  Shard& again = open().shard(0);
  EXPECT_EQ(count(), 3110u);
  append(again, numbered(6000, 1));
  EXPECT_EQ(query(again.path(), "SELECT count(DISTINCT id) FROM events"), 3111);
}

TEST_F(StorageTest, PublishCanBeRolledBackAndRepeated) {
  Shard& shard = open().shard(0);
  auto stage = shard.stage_create();
  ASSERT_TRUE(stage.ok());
  const std::vector<TestEvent> events = numbered(0, 10);
  std::vector<EventRow> staged;
  for (const TestEvent& e : events) staged.push_back(e.row());
  ASSERT_TRUE(shard.stage_append(*stage, staged).ok());
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.stage_publish(*stage).ok());
  shard.rollback();
  EXPECT_EQ(count(), 0u);
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.stage_publish(*stage).ok());
  EXPECT_FALSE(shard.stage_publish(*stage).ok());
  ASSERT_TRUE(shard.commit().ok());
  EXPECT_EQ(count(), 10u);
}

TEST_F(StorageTest, DiscardedAndUnpublishedStagesVanish) {
  Shard& shard = open().shard(0);
  const TestEvent event{.timestamp_ns = 1};
  const EventRow row = event.row();
  auto discarded = shard.stage_create();
  auto left = shard.stage_create();
  ASSERT_TRUE(discarded.ok() && left.ok());
  ASSERT_TRUE(shard.stage_append(*discarded, {&row, 1}).ok());
  ASSERT_TRUE(shard.stage_append(*left, {&row, 1}).ok());
  shard.stage_discard(*discarded);
  EXPECT_FALSE(shard.stage_append(*discarded, {&row, 1}).ok());
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM tails WHERE state=0"), 1);
  Shard& again = open().shard(0);
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(query(again.path(), "SELECT count(*) FROM tails WHERE state=0"), 0);
  EXPECT_EQ(query(again.path(), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'events\\__' ESCAPE '\\'"),
            kTailTables);
}

TEST_F(StorageTest, PastTheMostTablesStagedRowsMoveToATail) {
  Shard& shard = open().shard(0);
  const std::vector<TestEvent> events = numbered(0, 2);
  const std::vector<EventRow> staged{events[0].row(), events[1].row()};
  for (int i = 0; i < 260; ++i) {
    auto stage = shard.stage_create();
    ASSERT_TRUE(stage.ok());
    ASSERT_TRUE(shard.stage_append(*stage, staged).ok());
    ASSERT_TRUE(shard.begin().ok());
    ASSERT_TRUE(shard.stage_publish(*stage).ok());
    ASSERT_TRUE(shard.commit().ok());
  }
  append(shard, numbered(2, 1));
  EXPECT_EQ(count(), 521u);
  EXPECT_EQ(query(shard.path(), "SELECT count(DISTINCT id) FROM events"), 521);
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM tails"), 256);
  open();
  EXPECT_EQ(count(), 521u);
}

TEST_F(StorageTest, DiscardWithinATransactionLeavesItAlone) {
  Shard& shard = open().shard(0);
  const TestEvent event{.timestamp_ns = 1};
  const EventRow row = event.row();
  auto stage = shard.stage_create();
  ASSERT_TRUE(stage.ok());
  ASSERT_TRUE(shard.stage_append(*stage, {&row, 1}).ok());
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.append(row).ok());
  shard.stage_discard(*stage);
  ASSERT_TRUE(shard.commit().ok());
  EXPECT_EQ(count(), 1u);
  shard.checkpoint_if_due();
  EXPECT_EQ(query(shard.path(), "SELECT count(*) FROM tails WHERE state=0"), 0);
}

TEST_F(StorageTest, SurvivesBeingKilled) {
  Shard& shard = open().shard(0);
  append(shard, numbered(0, 500));
  ASSERT_TRUE(shard.begin().ok());
  ASSERT_TRUE(shard.append(TestEvent{.timestamp_ns = 5}.row()).ok());
  // What a crash leaves: database and WAL as they are on disk.
  const std::string copy = directory_ + "/copy";
  std::filesystem::create_directories(copy);
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(shard.path() + suffix, copy + "/shard-0000.db" + suffix);
  }
  shard.rollback();
  auto recovered = ShardSet::open({.directory = copy, .shard_count = 1});
  ASSERT_TRUE(recovered.ok());
  EXPECT_EQ((*recovered)->shard(0).committed_id(), 500);
}

TEST_F(StorageTest, ReceiptsMerge) {
  Shard& shard = open().shard(0);
  const Guid boot{{1}}, epoch{{2}};
  const auto add = [&](uint64_t first, uint64_t last, uint16_t cpu = 0) {
    const ReceiptRange range{boot, epoch, cpu, first, last};
    ASSERT_TRUE(shard.begin().ok());
    ASSERT_TRUE(shard.add_receipts({&range, 1}).ok());
    ASSERT_TRUE(shard.commit().ok());
  };
  const auto ranges = [&] {
    std::vector<std::pair<uint64_t, uint64_t>> out;
    const auto receipts = shard.receipts();
    EXPECT_TRUE(receipts.ok());
    for (const ReceiptRange& r : *receipts) {
      if (r.cpu_id == 0) out.emplace_back(r.first, r.last);
    }
    return out;
  };
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
  add(10, 20);
  add(30, 40);
  add(1, 5, 1);
  EXPECT_EQ(ranges(), (Ranges{{10, 20}, {30, 40}}));
  add(21, 25);  // adjacent
  EXPECT_EQ(ranges(), (Ranges{{10, 25}, {30, 40}}));
  add(12, 15);  // covered
  add(9, 9);
  EXPECT_EQ(ranges(), (Ranges{{9, 25}, {30, 40}}));
  add(26, 29);  // closes the hole
  EXPECT_EQ(ranges(), (Ranges{{9, 40}}));
  add(50, 60);
  add(1, 100);  // swallows all
  EXPECT_EQ(ranges(), (Ranges{{1, 100}}));
  EXPECT_EQ(*shard.last_sequence(boot, epoch, 0), 100u);
  EXPECT_EQ(*shard.last_sequence(boot, epoch, 1), 5u);
  EXPECT_EQ(*shard.last_sequence(boot, epoch, 2), 0u);
  const ReceiptRange bad{boot, epoch, 0, 5, 4};
  ASSERT_TRUE(shard.begin().ok());
  EXPECT_FALSE(shard.add_receipts({&bad, 1}).ok());
  shard.rollback();
}

TEST_F(StorageTest, FullDiskRollsBackAndTheShardGoesOn) {
  Shard& shard = open().shard(0);
  append(shard, numbered(0, 10));
  // SQLite's own limit stands for a full disk: same error, same path.
  ASSERT_TRUE(shard.limit_pages_for_test(static_cast<int64_t>(40)).ok());
  const std::string large(100'000, '\xc0');
  ASSERT_TRUE(shard.begin().ok());
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    status = shard.append(TestEvent{.timestamp_ns = 1, .type = "large", .payload = large}.row());
  }
  if (status.ok()) status = shard.commit();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kDiskFull);
  shard.rollback();
  EXPECT_EQ(count(), 10u);
  ASSERT_TRUE(shard.limit_pages_for_test(1'000'000).ok());
  append(shard, numbered(10, 10));
  EXPECT_EQ(count(), 20u);
  EXPECT_EQ(shard.committed_id(), 20);
}

TEST_F(StorageTest, CheckpointKeepsTheWalBoundedWhileReading) {
  auto opened = ShardSet::open({.directory = directory_ + "/events",
                                .shard_count = 1,
                                .wal_size_limit_bytes = 1 << 20});
  ASSERT_TRUE(opened.ok());
  set_ = std::move(*opened);
  Shard& shard = set_->shard(0);
  const std::string payload(1000, '\x01');
  uint64_t highest = 0;
  for (int batch = 0; batch < 50; ++batch) {
    std::vector<TestEvent> events(200, TestEvent{.timestamp_ns = batch, .payload = payload});
    append(shard, events);
    auto scan = set_->events_relation().scan(request({column(EventColumn::kPayload)}));
    auto cursor = (*scan)->open_worker();
    Batch some;
    ASSERT_TRUE((*cursor)->next(some).ok());
    shard.checkpoint_if_due();  // the cursor is open, but holds no transaction
    highest = std::max(highest, shard.wal_bytes());
  }
  EXPECT_LT(highest, uint64_t{3} << 20);
  EXPECT_EQ(count(), 10'000u);
}

TEST_F(StorageTest, OlderShardsAndArchivesStayQueryable) {
  open(6);
  for (uint32_t i = 0; i < 6; ++i) {
    std::vector<TestEvent> events = numbered(i * 100, 100);
    append(set_->shard(i), events);
    const ReceiptRange range{Guid{{1}}, Guid{}, 0, i * 100 + 1, i * 100 + 50};
    ASSERT_TRUE(set_->shard(i).begin().ok());
    ASSERT_TRUE(set_->shard(i).add_receipts({&range, 1}).ok());
    ASSERT_TRUE(set_->shard(i).commit().ok());
  }
  set_.reset();
  std::filesystem::rename(directory_ + "/events/shard-0005.db", directory_ + "/events/archive.db");
  for (const char* side : {"-wal", "-shm"}) {
    std::filesystem::remove(directory_ + "/events/shard-0005.db" + std::string(side));
  }
  {
    auto other = sqlite::Connection::open(directory_ + "/events/eventd-meta.db", {});
    ASSERT_TRUE(other->exec("CREATE TABLE fields(x)").ok());
  }
  auto opened = ShardSet::open({.directory = directory_ + "/events",
                                .shard_count = 2,
                                .max_open_shards = 2});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  set_ = std::move(*opened);
  EXPECT_EQ(count(), 600u);
  EXPECT_EQ(set_->historical_receipts().size(), 4u);
  ScanRequest ordered = request({column(EventColumn::kSequence)});
  ordered.order = ScanOrder{0, true};
  ordered.partition_limit = 3;
  const auto parts = partitions(ordered);
  ASSERT_EQ(parts.size(), 3u);  // two active, one for all others
  ASSERT_EQ(parts[2].size(), 3u);
  EXPECT_EQ(parts[2][0][0].as<int64_t>(), 599);
}

TEST_F(StorageTest, SqliteErrorsBecomeSqlstates) {
  std::filesystem::create_directories(directory_);
  const std::string path = directory_ + "/not-a-database.db";
  FILE* file = fopen(path.c_str(), "w");
  fputs(std::string(8192, 'x').c_str(), file);
  fclose(file);
  auto opened = sqlite::Connection::open(path, {});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, sqlstate::kDataCorrupted);
  opened = sqlite::Connection::open(directory_ + "/none/x.db", {});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, sqlstate::kIoError);
  auto good = sqlite::Connection::open(directory_ + "/good.db", {});
  ASSERT_TRUE(good.ok());
  ASSERT_TRUE(good->exec("CREATE TABLE t(x PRIMARY KEY, y NOT NULL); INSERT INTO t VALUES(1,1)").ok());
  EXPECT_EQ(good->exec("INSERT INTO t VALUES(1,1)").error().code, sqlstate::kUniqueViolation);
  EXPECT_EQ(good->exec("INSERT INTO t VALUES(2,NULL)").error().code, sqlstate::kNotNullViolation);
  EXPECT_FALSE(good->prepare("SELEC").ok());
}

}  // namespace
}  // namespace eventd::engine
