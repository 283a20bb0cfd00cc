#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "engine/maintenance/backup_manifest.h"
#include "engine/maintenance/restore.h"
#include "engine/maintenance/shard_copy_task.h"
#include "maintenance_fixture.h"

namespace eventd::engine {
namespace {

using Progress = MaintenanceTask::Progress;

BackupManifest example() {
  return {.created = "2026-11-20T13:05:00Z",
          .server = "0.1.0",
          .files = {{"catalog.db", {7, sha256_of("seven b")}}, {"events/shard-0000.db", {0, sha256_of("")}}}};
}

TEST(BackupManifest, ReadsWhatItWrites) {
  const auto parsed = BackupManifest::parse(example().to_text());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->to_text(), example().to_text());
  EXPECT_EQ(parsed->files[1].name, "events/shard-0000.db");
  EXPECT_EQ(parsed->total_bytes(), 7u);
}

TEST(BackupManifest, RefusesEveryChangedByte) {
  const std::string text = example().to_text();
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_FALSE(BackupManifest::parse(changed).ok()) << i;
    EXPECT_FALSE(BackupManifest::parse(text.substr(0, i)).ok()) << i;
  }
}

TEST(BackupManifest, RefusesNamesThatLeadElsewhere) {
  for (const std::string name : {"../catalog.db", "/etc/passwd", "a/b/c", "events/..", "", "events/", "a\nb"}) {
    BackupManifest manifest = example();
    manifest.files[0].name = name;
    EXPECT_FALSE(BackupManifest::parse(manifest.to_text()).ok()) << name;
  }
}

/// A shard's writer: takes steps of a task, and commits in between.
class Writer {
 public:
  Writer(Shard& shard, ShardCopyTask& task) : shard_(shard), task_(task) {}

  bool step() {
    auto progress = task_.step(shard_, rows_wait_);
    if (progress.ok() && *progress == Progress::kMore) return true;
    task_.ended(progress.ok() ? Status() : std::move(progress).take_status());
    return false;
  }

 private:
  Shard& shard_;
  ShardCopyTask& task_;
  const std::atomic<bool> rows_wait_{true};  // the least a step does
};

class ShardCopy : public MaintenanceTest {};

TEST_F(ShardCopy, IsTheShardAsOfItsEndWhateverWasCommittedMeanwhile) {
  auto shard = open_shard("a.db");
  const std::string payload = "\xc5\x02\x00" + std::string(512, 'x');
  append(*shard, 1, 5000, payload);
  auto copies = std::make_shared<ShardCopies>(1);
  ShardCopyTask task(copies, path("copy.db"));
  Writer writer(*shard, task);
  uint64_t next = 5001;
  int steps = 0;
  while (writer.step()) {
    ++steps;
    append(*shard, next, 10, payload);
    next += 10;
    shard->checkpoint_if_due();
  }
  ASSERT_TRUE(copies->wait().ok());
  EXPECT_GT(steps, 5);
  append(*shard, next, 10, payload);  // after it
  EXPECT_TRUE(is_whole(path("copy.db")));
  EXPECT_EQ(query(path("copy.db"), "SELECT count(*) FROM events"), static_cast<int64_t>(next - 1));
  EXPECT_EQ(query(path("copy.db"), "SELECT last FROM receipts"), static_cast<int64_t>(next - 1));
  EXPECT_NE(open_shard("copy.db"), nullptr);
}

// Sequences are dealt to two shards in turn, the smaller one being copied long before the other.
TEST_F(ShardCopy, OfSeveralShardsShowsThemAtOneMoment) {
  auto small = open_shard("small.db", 0), large = open_shard("large.db", 1);
  append(*large, 1'000'001, 20'000, "\xc5\x01\x00" + std::string(256, 'x'));
  auto copies = std::make_shared<ShardCopies>(2);
  ShardCopyTask small_task(copies, path("small-copy.db")), large_task(copies, path("large-copy.db"));
  // `next` is committed by one thread after the other: what has a higher number is later.
  std::atomic<uint64_t> next{1};
  std::atomic<int> copying{2};
  const auto write = [&](Shard& shard, ShardCopyTask& task, uint64_t parity) {
    Writer writer(shard, task);
    bool mine = true;
    while (copying.load() > 0) {
      if (mine && !writer.step()) {
        mine = false;
        copying.fetch_sub(1);
      }
      // A slow disk: the other one has its turns in the meantime.
      if (mine && parity == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      if (next.load() % 2 == parity) {
        append(shard, next.load(), 1);
        next.fetch_add(1);
      }
    }
  };
  std::thread other([&] { write(*large, large_task, 0); });
  write(*small, small_task, 1);
  other.join();
  ASSERT_TRUE(copies->wait().ok());
  const std::string highest = "SELECT max(sequence) FROM events WHERE sequence<1000000";
  const int64_t odd = query(path("small-copy.db"), highest), even = query(path("large-copy.db"), highest);
  EXPECT_GT(std::max(odd, even), 2) << "nothing was written meanwhile: the test tests nothing";
  EXPECT_EQ(std::abs(odd - even), 1) << odd << " and " << even;
}

TEST_F(ShardCopy, EndsWhenCancelledOrWhenAnotherFails) {
  auto shard = open_shard("a.db");
  append(*shard, 1, 1000);
  auto copies = std::make_shared<ShardCopies>(2);
  ShardCopyTask task(copies, path("copy.db")), failing(copies, path("no/such/directory/copy.db"));
  Writer writer(*shard, task), failing_writer(*shard, failing);
  EXPECT_TRUE(writer.step());
  EXPECT_FALSE(failing_writer.step());
  EXPECT_FALSE(writer.step());
  const Status status = copies->wait();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kIoError);
}

TEST_F(ShardCopy, FailsWhenTheTargetIsFullAndTheSourceGoesOn) {
  auto shard = open_shard("a.db");
  append(*shard, 1, 5000, "\xc5\x02\x00" + std::string(512, 'x'));
  auto copies = std::make_shared<ShardCopies>(1);
  ShardCopyTask task(copies, "/dev/full");
  Writer writer(*shard, task);
  for (int i = 0; i < 10'000 && writer.step(); ++i) append(*shard, 5001 + static_cast<uint64_t>(i), 1);
  EXPECT_FALSE(copies->wait().ok());
  append(*shard, 100'000, 10);
  EXPECT_TRUE(is_whole(path("a.db")));
}

class Restore : public MaintenanceTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(path("backup/events"));
    BackupManifest manifest = {.created = "now", .server = "x", .files = {}};
    for (const std::string name : {"catalog.db", "events/shard-0000.db"}) {
      std::ofstream(path("backup/" + name)) << "contents of " << name;
      manifest.files.push_back({name, *digest_file(path("backup/" + name), nullptr)});
    }
    ASSERT_TRUE(write_durable_file(path("backup/backup.manifest"), manifest.to_text()).ok());
  }
  SqlState restore() {
    const auto restored = restore_backup(path("backup"), path("data"));
    return restored.ok() ? sqlstate::kSuccess : restored.error().code;
  }
};

TEST_F(Restore, MakesADataDirectory) {
  EXPECT_EQ(restore(), sqlstate::kSuccess);
  EXPECT_EQ(*read_small_file(path("data/events/shard-0000.db"), 100), "contents of events/shard-0000.db");
  EXPECT_FALSE(std::filesystem::exists(path("data/backup.manifest")));
  EXPECT_TRUE(check_restore_finished(path("data")).ok());
  EXPECT_EQ(restore(), sqlstate::kDuplicateObject) << "not over what is there";
}

TEST_F(Restore, RefusesADamagedBackup) {
  std::ofstream(path("backup/catalog.db")) << "contents of catalog.dc";
  EXPECT_EQ(restore(), sqlstate::kDataCorrupted);
  EXPECT_FALSE(std::filesystem::exists(path("data")));
  std::filesystem::remove(path("backup/catalog.db"));
  EXPECT_EQ(restore(), sqlstate::kIoError);
}

TEST_F(Restore, RefusesAnUnfinishedBackup) {
  std::ofstream(path("backup/INCOMPLETE")) << "";
  EXPECT_EQ(restore(), sqlstate::kDataCorrupted);
}

TEST_F(Restore, IsNotTakenForWholeWhenCutOff) {
  std::filesystem::create_directory(path("data"));
  std::ofstream(path("data/INCOMPLETE")) << "";
  EXPECT_FALSE(check_restore_finished(path("data")).ok());
}

}  // namespace
}  // namespace eventd::engine
