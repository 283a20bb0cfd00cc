// A ShardSet and rings in a temporary directory, and what the shard files hold afterwards.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/ingest/coverage.h"
#include "engine/ingest/event_ingest.h"
#include "engine/ingest/maintenance_task.h"
#include "engine/storage/shard_set.h"
#include "kmes/ring_writer.h"
#include "kmes/user_rings.h"

namespace eventd::engine {

/// Fails the test with the error's message.
#define ASSERT_OK(expression)                                             \
  do {                                                                    \
    const auto& assert_ok_ = (expression);                                \
    ASSERT_TRUE(assert_ok_.ok()) << (assert_ok_.ok() ? "" : assert_ok_.error().message); \
  } while (false)

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "ingest_test.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) abort();
    path_ = name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Reads the files with SQLite itself, not through the code under test.
class ShardFiles {
 public:
  explicit ShardFiles(std::string directory) : directory_(std::move(directory)) {}

  /// The single integer that `sql` gives, summed over all shards.
  int64_t sum(const std::string& sql) const {
    int64_t total = 0;
    for (const auto& row : rows(sql)) total += std::stoll(row.at(0));
    return total;
  }
  /// Rows of all shards as text; NULL = "NULL". Files set aside as damaged are left out.
  std::vector<std::vector<std::string>> rows(const std::string& sql) const {
    std::vector<std::vector<std::string>> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().extension() != ".db") continue;
      if (entry.path().filename().string().find(".corrupt-") != std::string::npos) continue;
      sqlite3* db = nullptr;
      EXPECT_EQ(sqlite3_open_v2(entry.path().c_str(), &db, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
      sqlite3_stmt* statement = nullptr;
      EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
          << sqlite3_errmsg(db);
      while (sqlite3_step(statement) == SQLITE_ROW) {
        std::vector<std::string> row;
        for (int i = 0; i < sqlite3_column_count(statement); ++i) {
          const auto* text = sqlite3_column_text(statement, i);
          row.push_back(text ? std::string(reinterpret_cast<const char*>(text),
                                           static_cast<size_t>(sqlite3_column_bytes(statement, i)))
                             : "NULL");
        }
        found.push_back(std::move(row));
      }
      sqlite3_finalize(statement);
      sqlite3_close(db);
    }
    return found;
  }

 private:
  std::string directory_;
};

/// What a directory's files say of each CPU's sequences.
class Accounts {
 public:
  explicit Accounts(const ShardFiles& files) {
    for (const auto& row : files.rows("SELECT cpu_id,sequence FROM events WHERE sequence IS NOT NULL"))
      ++stored_[static_cast<uint16_t>(std::stoul(row[0]))][std::stoull(row[1])];
    for (const auto& row : files.rows("SELECT cpu_id,hex(payload) FROM events WHERE event_type='synthetic.gap'")) {
      const uint64_t first = number(row[1], "first_missing"), last = number(row[1], "last_missing");
      for (uint64_t sequence = first; sequence <= last; ++sequence)
        ++missing_[static_cast<uint16_t>(std::stoul(row[0]))][sequence];
    }
    for (const auto& row : files.rows("SELECT cpu_id,first,last FROM receipts WHERE cpu_id<65535"))
      covered_.add(static_cast<uint16_t>(std::stoul(row[0])), std::stoull(row[1]), std::stoull(row[2]));
  }

  using Counts = std::map<uint64_t, int>;
  const Counts& stored(uint16_t cpu) { return stored_[cpu]; }
  const Counts& missing(uint16_t cpu) { return missing_[cpu]; }
  /// Each sequence of `cpu` from 1 to `last` is stored once or in one gap record, and covered.
  void expect_complete(uint16_t cpu, uint64_t last) {
    const Counts& stored = stored_[cpu];
    const Counts& missing = missing_[cpu];
    for (uint64_t sequence = 1; sequence <= last; ++sequence) {
      const auto here = stored.find(sequence), gone = missing.find(sequence);
      ASSERT_EQ((here == stored.end() ? 0 : here->second) + (gone == missing.end() ? 0 : gone->second), 1)
          << "cpu " << cpu << " sequence " << sequence;
    }
    EXPECT_TRUE(stored.empty() || stored.rbegin()->first <= last) << "cpu " << cpu;
    EXPECT_TRUE(missing.empty() || missing.rbegin()->first <= last) << "cpu " << cpu;
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    for (const Coverage::Range& range : covered_.ranges()) {
      if (range.cpu_id == cpu) ranges.emplace_back(range.first, range.last);
    }
    const std::vector<std::pair<uint64_t, uint64_t>> all{{1, last}};
    EXPECT_TRUE(last == 0 || ranges == all) << "cpu " << cpu << ": " << testing::PrintToString(ranges);
  }

 private:
  /// The msgpack integer after the key `name`, from a payload in hexadecimal.
  static uint64_t number(const std::string& payload, std::string_view name) {
    std::string key;
    for (const char c : name) key += "0123456789ABCDEF"[c >> 4], key += "0123456789ABCDEF"[c & 15];
    const size_t at = payload.find(key) + key.size();
    const auto tag = static_cast<unsigned>(std::stoul(payload.substr(at, 2), nullptr, 16));
    if (tag < 0x80) return tag;
    return std::stoull(payload.substr(at + 2, size_t{2} << (tag - 0xcc)), nullptr, 16);
  }

  std::map<uint16_t, Counts> stored_, missing_;
  Coverage covered_;
};

/// Writes events into one of the rings as a kernel would: with timestamps and sequences of its own.
/// Nothing else emits into that ring.
class RingFeeder {
 public:
  explicit RingFeeder(std::shared_ptr<kmes::RingMapping> ring) : ring_(std::move(ring)) {
    kmes_ring_writer_init(&writer_, &ring_->producer(), ring_->data());
  }
  void write(std::string_view type, ByteSpan payload, int64_t timestamp_ns) {
    static constexpr uint8_t kGuid[16] = {};
    kmes_ring_stamp(&writer_, static_cast<uint64_t>(timestamp_ns), KMES_ORIGIN_KMES, kGuid, kGuid, kGuid);
    ASSERT_TRUE(kmes_ring_write(&writer_, type.data(), type.size(), payload.data(), payload.size()));
    kmes_ring_publish(&writer_);
    ring_->wake_if_needed();
  }
  /// Spends sequences without events.
  void skip(uint64_t count) { writer_.sequence += count; }
  uint64_t last_sequence() const { return writer_.sequence; }

 private:
  std::shared_ptr<kmes::RingMapping> ring_;
  kmes_ring_writer writer_{};
};

/// Does one thing on the writer thread of a shard.
class OneStep final : public MaintenanceTask {
 public:
  using Work = std::function<Status(Shard&)>;
  explicit OneStep(Work work) : work_(std::move(work)) {}
  Result<Progress> step(Shard& shard, const std::atomic<bool>&) override {
    RETURN_IF_ERROR(work_(shard));
    return Progress::kFinished;
  }
  void ended(Status status) override { done_.set_value(std::move(status)); }
  Status wait() { return done_.get_future().get(); }

 private:
  Work work_;
  std::promise<Status> done_;
};

/// Collects durable callbacks.
class CommitWaiter {
 public:
  std::function<void(Status, EventTransaction::Outcome)> callback() {
    return [this](Status status, EventTransaction::Outcome outcome) {
      const std::lock_guard lock(mutex_);
      status_ = std::move(status);
      outcome_ = outcome;
      ++calls_;
      moved_.notify_all();
    };
  }
  /// Waits for call number `calls`.
  const Status& wait(int calls = 1) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return calls_ >= calls; });
    return status_;
  }
  Status take() {
    const std::lock_guard lock(mutex_);
    return std::move(status_);
  }
  EventTransaction::Outcome outcome() {
    const std::lock_guard lock(mutex_);
    return outcome_;
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  Status status_;
  EventTransaction::Outcome outcome_;
  int calls_ = 0;
};

class IngestTest : public testing::Test {
 protected:
  static constexpr size_t kEmitBuffer = 16 << 20;
  static constexpr int64_t kSpoolMax = int64_t{1} << 30;

  void open(uint32_t shard_count, uint16_t ring_count, uint64_t ring_bytes = 1 << 20) {
    auto shards = ShardSet::open({.directory = directory_.path(), .shard_count = shard_count});
    ASSERT_OK(shards);
    shards_ = std::move(*shards);
    auto rings = kmes::UserRings::create(ring_count, ring_bytes);
    ASSERT_OK(rings);
    rings_ = std::move(*rings);
  }
  void start() {
    auto ingest = EventIngest::start(*shards_, *rings_, options_);
    ASSERT_OK(ingest);
    ingest_ = std::move(*ingest);
  }
  /// Stops in order; the files can be read afterwards.
  void close() {
    ingest_.reset();
    rings_.reset();
    shards_.reset();
  }
  std::unique_ptr<EventTransaction> begin(bool bulk = false, size_t emit_buffer = kEmitBuffer) {
    auto transaction = ingest_->begin_transaction(bulk, emit_buffer, kSpoolMax);
    EventTransaction::Stamp stamp;
    stamp.timestamp_ns = 1'700'000'000'000'000'000;
    stamp.process_guid.bytes[0] = 7;
    transaction->set_stamp(stamp);
    return transaction;
  }
  /// One row by SQL, committed.
  Status insert_row(std::string_view type) {
    auto transaction = begin();
    EXPECT_TRUE(transaction->add(type, payload()).ok());
    CommitWaiter waiter;
    transaction->submit(waiter.callback());
    waiter.wait();
    return waiter.take();
  }
  /// Runs `work` on the writer thread of `shard`.
  Status on_writer(uint32_t shard, OneStep::Work work) {
    const auto task = std::make_shared<OneStep>(std::move(work));
    ingest_->post_maintenance(shard, task);
    return task->wait();
  }
  static ByteSpan payload() {
    static constexpr std::array<uint8_t, 4> kMap = {0x81, 0xa1, 'k', 0x01};  // {"k": 1}
    return kMap;
  }

  TemporaryDirectory directory_;
  ShardFiles files_{directory_.path()};
  EventIngestOptions options_{.boot_id = Guid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}};
  std::unique_ptr<ShardSet> shards_;
  std::unique_ptr<kmes::UserRings> rings_;
  std::unique_ptr<EventIngest> ingest_;
};

}  // namespace eventd::engine
