// A shard file that is damaged while it is written: set aside, and nothing of it forgotten.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "engine/limits.h"
#include "engine/storage/sqlite.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

class DamagedShard : public IngestTest {
 protected:
  void emit(const char* type, int count) {
    const std::vector<kmes::EmitEntry> entries(static_cast<size_t>(count), {type, payload()});
    ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  }
  std::vector<std::filesystem::path> set_aside() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".db" && entry.path().string().find(".corrupt-") != std::string::npos)
        paths.push_back(entry.path());
    }
    return paths;
  }
  void wait_for_set_aside() {
    while (set_aside().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  /// Every byte from `offset` on.
  static void overwrite(const std::filesystem::path& path, size_t offset) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    const std::vector<uint8_t> garbage(std::filesystem::file_size(path) - offset, 0xa5);
    ASSERT_EQ(::pwrite(fd, garbage.data(), garbage.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(garbage.size()));
    ::close(fd);
  }
  int64_t events(const std::string& type) const {
    return files_.sum("SELECT count(*) FROM events WHERE event_type='" + type + "'");
  }
};

TEST_F(DamagedShard, WhatAReaderReportsIsSetAsideAndTheSequencesGoOn) {
  open(1, 1);
  start();
  emit("test.before", 100);
  ASSERT_OK(insert_row("test.sql"));
  while (shards_->shard(0).committed_rows() < 102) std::this_thread::yield();
  ASSERT_OK(on_writer(0, [](Shard& shard) {
    shard.file()->report_damage();
    return Status();
  }));
  wait_for_set_aside();
  emit("test.after", 50);
  ASSERT_OK(insert_row("test.sql"));
  close();
  // The fresh file holds what came afterwards and covers what came before.
  EXPECT_EQ(events("test.before"), 0);
  EXPECT_EQ(events("test.after"), 50);
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=0"),
            (std::vector<std::vector<std::string>>{{"1", "150"}}));
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=32768"),
            (std::vector<std::vector<std::string>>{{"1", "2"}}));
  EXPECT_EQ(events("synthetic.gap"), 0);
  EXPECT_EQ(events("synthetic.storage_error"), 1);
  ASSERT_EQ(set_aside().size(), 1u);

  // Even if nothing of the old one can be read: no repetition, no gap, no doubt about the end.
  for (const auto& path : set_aside()) overwrite(path, 0);
  open(1, 1);
  start();
  emit("test.later", 10);
  close();
  EXPECT_EQ(files_.sum("SELECT max(sequence) FROM events WHERE event_type='test.later'"), 160);
  EXPECT_EQ(files_.sum("SELECT min(sequence) FROM events WHERE event_type='test.later'"), 151);
  EXPECT_EQ(events("synthetic.gap"), 0);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.startup' AND "
                       "instr(payload,x'a772657374617274c3') AND instr(payload,x'a5636c65616ec3')"), 1);
}

TEST_F(DamagedShard, AHealthyShardIsToldOfIt) {
  open(2, 1);
  start();
  const Status found = on_writer(1, [](Shard&) -> Status {
    return {sqlstate::kDataCorrupted, "page 7 is not what it should be"};
  });
  EXPECT_EQ(found.error().code.text(), "XX001");
  wait_for_set_aside();
  ASSERT_EQ(set_aside().size(), 1u);
  EXPECT_TRUE(set_aside()[0].filename().string().starts_with("shard-0001.corrupt-"));
  ASSERT_OK(insert_row("test.sql"));  // shard 0 goes on
  close();
  EXPECT_EQ(events("synthetic.storage_error"), 1);
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='synthetic.storage_error' AND "
                       "instr(payload,CAST('page 7 is not what it should be' AS BLOB))"), 1);
}

TEST_F(DamagedShard, WorkOnTheOldFileEnds) {
  open(1, 1);
  start();
  // Without end, but for that of its file.
  class Endless final : public MaintenanceTask {
   public:
    Result<Progress> step(Shard&, const std::atomic<bool>&) override { return Progress::kMore; }
    void ended(Status status) override { done.set_value(std::move(status)); }
    std::promise<Status> done;
  };
  const auto endless = std::make_shared<Endless>();
  ingest_->post_maintenance(0, endless);
  (void)on_writer(0, [](Shard&) -> Status { return {sqlstate::kDataCorrupted, "damaged"}; });
  const Status status = endless->done.get_future().get();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code.text(), "XX001");
  ASSERT_OK(on_writer(0, [](Shard&) { return Status(); }));
}

TEST_F(DamagedShard, StagedRowsOfTheOldFileAreAnErrorNotASurprise) {
  open(1, 1);
  start();
  auto transaction = begin(true, 64 << 10);
  for (int i = 0; i < 20'000; ++i) ASSERT_OK(transaction->add("test.staged", payload()));
  ASSERT_TRUE(transaction->spilled());
  (void)on_writer(0, [](Shard&) -> Status { return {sqlstate::kDataCorrupted, "damaged"}; });
  wait_for_set_aside();
  for (int i = 0; i < 20'000; ++i) ASSERT_OK(transaction->add("test.staged", payload()));
  CommitWaiter waiter;
  transaction->submit(waiter.callback());
  EXPECT_FALSE(waiter.wait().ok());
  transaction.reset();
  ASSERT_OK(insert_row("test.sql"));
  close();
  EXPECT_EQ(events("test.staged"), 0);
  EXPECT_EQ(events("test.sql"), 1);
}

TEST_F(DamagedShard, ADiskThatDamagesEveryFileIsNotFilledWithThem) {
  open(1, 1);
  start();
  for (int i = 0; i < 20; ++i) {
    (void)on_writer(0, [](Shard&) -> Status { return {sqlstate::kDataCorrupted, "damaged"}; });
    ASSERT_OK(insert_row("test.sql"));
  }
  EXPECT_EQ(set_aside().size(), 1u);
}

TEST_F(DamagedShard, PagesOverwrittenUnderTheWriterCostABatchAtMost) {
  open(1, 1, 4 << 20);
  start();
  const std::string large = "\xda\x10\x01" + std::string(4097, 'x');  // str 16
  const std::vector<kmes::EmitEntry> entries(50, {"test.large", as_bytes(large)});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  while (shards_->shard(0).committed_rows() < 1'001) std::this_thread::yield();
  const std::string path = directory_.path() + "/shard-0000.db";
  ASSERT_OK(on_writer(0, [&](Shard& shard) {
    RETURN_IF_ERROR(shard.connection().exec("PRAGMA wal_checkpoint(PASSIVE)"));
    overwrite(path, 4096);
    overwrite(path + "-wal", 32);
    // Nothing of it is in memory any more.
    return shard.connection().exec("PRAGMA shrink_memory");
  }));
  for (int i = 0; i < 1'000 && set_aside().empty(); ++i) {
    emit("test.during", 1);
    (void)insert_row("test.sql");
  }
  ASSERT_EQ(set_aside().size(), 1u);
  Status status = insert_row("test.after");
  for (int i = 0; i < 1000 && !status.ok(); ++i) status = insert_row("test.after");
  ASSERT_OK(status);
  emit("test.after", 10);
  const uint64_t last = rings_->last_sequence(0);
  close();
  EXPECT_EQ(events("test.after"), 11);
  // Covered, and no sequence both stored and told as missing.
  EXPECT_EQ(files_.rows("SELECT first,last FROM receipts WHERE cpu_id=0"),
            (std::vector<std::vector<std::string>>{{"1", std::to_string(last)}}));
  Accounts accounts(files_);
  for (const auto& [sequence, count] : accounts.missing(0)) {
    EXPECT_EQ(count, 1);
    EXPECT_FALSE(accounts.stored(0).contains(sequence));
  }
}

}  // namespace
}  // namespace eventd::engine
