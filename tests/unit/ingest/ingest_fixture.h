// A ShardSet and rings in a temporary directory, and what the shard files hold afterwards.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/ingest/event_ingest.h"
#include "engine/storage/shard_set.h"
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
  /// Rows of all shards as text; NULL = "NULL".
  std::vector<std::vector<std::string>> rows(const std::string& sql) const {
    std::vector<std::vector<std::string>> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      if (entry.path().extension() != ".db") continue;
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
