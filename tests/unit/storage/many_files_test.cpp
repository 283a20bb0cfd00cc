// Many files that nobody writes, few handles: storage.md "Event shard".
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "engine/storage/sqlite.h"
#include "storage_fixture.h"
#include "tests/support/long_tests.h"

namespace eventd::engine {
namespace {

constexpr int64_t kRowsPerFile = 20;

class ManyFilesTest : public StorageTest {
 protected:
  /// archive-NNN.db, each with rows of its own sequences; neighbours overlap in time.
  void make_files(int64_t count) {
    append(open().shard(0), events(0));
    set_.reset();
    const std::string first = directory_ + "/archive.db";
    std::filesystem::rename(directory_ + "/events/shard-0000.db", first);
    std::filesystem::remove_all(directory_ + "/events");
    std::filesystem::create_directories(directory_ + "/events");
    for (int64_t i = 0; i < count; ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "/events/archive-%05d.db", static_cast<int>(i));
      std::filesystem::copy_file(first, directory_ + name);
      auto connection = sqlite::Connection::open(directory_ + name, {.wal = false});
      ASSERT_TRUE(connection.ok());
      const std::string add = std::to_string(i * kRowsPerFile);
      ASSERT_TRUE(connection->exec("PRAGMA synchronous=OFF;PRAGMA journal_mode=WAL;"
                                   "UPDATE events_0 SET timestamp=timestamp+" + add +
                                   ",sequence=sequence+" + add).ok());
    }
  }

  static std::vector<TestEvent> events(int64_t first) {
    std::vector<TestEvent> rows;
    for (int64_t i = 0; i < kRowsPerFile; ++i) {
      rows.push_back({.timestamp_ns = 1000 + i * 40,
                      .payload = "\xa3" "row",
                      .sequence = static_cast<uint64_t>(first + i)});
    }
    return rows;
  }

  void open_bounded(uint32_t max_open_shards) {
    set_.reset();
    auto opened = ShardSet::open(
        {.directory = directory_ + "/events", .shard_count = 1, .max_open_shards = max_open_shards});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    set_ = std::move(*opened);
  }

  /// Open descriptors of databases in the directory.
  size_t handles() const {
    size_t count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
      char target[4096];
      const ssize_t size = ::readlink(entry.path().c_str(), target, sizeof target);
      if (size <= 0) continue;
      const std::string_view path(target, static_cast<size_t>(size));
      count += path.starts_with(directory_) && path.ends_with(".db");
    }
    return count;
  }

  /// All rows, once each; sorted where `ordered`.
  void expect_all(int64_t files, std::optional<bool> descending) {
    ScanRequest wanted = request({column(EventColumn::kSequence), column(EventColumn::kTimestampNs),
                                  column(EventColumn::kPayload)});
    std::vector<std::vector<Datum>> found;
    if (descending) {
      wanted.order = ScanOrder{.column = 0, .descending = *descending};
      for (auto& part : partitions(wanted)) {
        for (size_t i = 1; i < part.size(); ++i) {
          const int64_t before = part[i - 1][1].as<int64_t>(), now = part[i][1].as<int64_t>();
          ASSERT_TRUE(*descending ? before >= now : before <= now);
        }
        found.insert(found.end(), part.begin(), part.end());
      }
    } else {
      found = rows(wanted);
    }
    ASSERT_EQ(found.size(), static_cast<size_t>(files * kRowsPerFile));
    std::vector<bool> seen(found.size());
    for (const auto& row : found) {
      const auto sequence = static_cast<size_t>(row[0].as<int64_t>());
      ASSERT_LT(sequence, seen.size());
      ASSERT_FALSE(seen[sequence]);
      seen[sequence] = true;
      ASSERT_EQ(row[2].bytes(), "\xa3" "row");
    }
  }
};

TEST_F(ManyFilesTest, AllAreQueriedWithFewHandles) {
  const int64_t files = long_tests() ? 3000 : 300;
  make_files(files);
  const auto start = std::chrono::steady_clock::now();
  open_bounded(64);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%lld files found in %.3f s\n", static_cast<long long>(files), seconds.count());
  EXPECT_LE(handles(), 1u);  // the writer's: nothing else is kept after the start
  std::atomic<bool> done{false};
  std::atomic<size_t> most{0};
  std::thread monitor([&] {
    while (!done) {
      const size_t now = handles();
      if (now > most) most = now;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::vector<std::thread> queries;
  for (int i = 0; i < 8; ++i) {
    queries.emplace_back([&, i] {
      expect_all(files, i % 2 == 0 ? std::nullopt : std::optional(i % 4 == 1));
    });
  }
  for (std::thread& query : queries) query.join();
  // Live, and lower than what is open.
  set_->set_limits(5, 64 << 20);
  EXPECT_LE(handles(), 6u);
  expect_all(files, std::nullopt);
  done = true;
  monitor.join();
  // SQLite keeps a closed connection's descriptor while another thread has one on the same file: a few
  // a thread come on top.
  EXPECT_LE(most, 65u + 2 * 8u);
  EXPECT_GT(most, 8u);
  EXPECT_LE(handles(), 6u);
  set_->close_idle_connections(0);
  EXPECT_LE(handles(), 1u);
}

TEST_F(ManyFilesTest, OnePlaceIsEnoughForManyQueries) {
  make_files(12);
  open_bounded(1);
  std::vector<std::thread> queries;
  for (int i = 0; i < 6; ++i) {
    queries.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        expect_all(12, i % 2 == 0 ? std::nullopt : std::optional(i % 4 == 1));
      }
    });
  }
  for (std::thread& query : queries) query.join();
  EXPECT_LE(handles(), 2u);
}

TEST_F(ManyFilesTest, WaitingForAPlaceCanBeCancelled) {
  ReadPool pool(1, 4);
  ASSERT_TRUE(pool.reserve(nullptr).ok());
  CancelToken cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancel.cancel(CancelToken::Reason::kUserRequest);
  });
  const Status status = pool.reserve(&cancel);
  canceller.join();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kQueryCanceled);
  pool.unreserve();
  EXPECT_TRUE(pool.reserve(nullptr).ok());
}

TEST_F(ManyFilesTest, ALimitReadsLittle) {
  make_files(40);
  open_bounded(16);
  ScanRequest wanted = request({column(EventColumn::kSequence)});
  wanted.order = ScanOrder{.column = 0, .descending = true};
  wanted.partition_limit = 3;
  ScanCounters counters;
  const auto parts = partitions(wanted, &counters);
  ASSERT_EQ(parts.size(), 1u);
  ASSERT_EQ(parts[0].size(), 3u);
  EXPECT_EQ(parts[0][0][0].as<int64_t>(), 40 * kRowsPerFile - 1);
  EXPECT_LT(counters.rows_read, 100u);
  EXPECT_LE(handles(), 16u);  // only the newest files were opened
}

TEST_F(ManyFilesTest, FilesComeAndGoWithARescan) {
  make_files(6);
  std::filesystem::rename(directory_ + "/events/archive-00005.db", directory_ + "/later.db");
  open_bounded(16);
  expect_all(5, std::nullopt);
  std::filesystem::rename(directory_ + "/later.db", directory_ + "/events/archive-00005.db");
  expect_all(5, std::nullopt);
  ASSERT_TRUE(set_->rescan().ok());
  expect_all(6, false);
  set_->close_idle_connections(0);
  for (const char* side : {"", "-wal", "-shm"}) {
    std::filesystem::remove(directory_ + "/events/archive-00005.db" + side);
  }
  ASSERT_TRUE(set_->rescan().ok());
  expect_all(5, true);
}

}  // namespace
}  // namespace eventd::engine
