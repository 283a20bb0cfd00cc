// Shards in a directory of their own, and rows for them.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "engine/storage/shard.h"
#include "engine/storage/sqlite.h"

namespace eventd::engine {

class MaintenanceTest : public ::testing::Test {
 protected:
  MaintenanceTest() {
    char name[] = "/tmp/maintenance-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~MaintenanceTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::unique_ptr<Shard> open_shard(const std::string& name, uint32_t index = 0,
                                    uint32_t page_size_bytes = 4096) {
    auto shard = Shard::open({.path = path(name), .index = index, .page_size_bytes = page_size_bytes});
    EXPECT_TRUE(shard.ok()) << (shard.ok() ? "" : shard.error().message);
    return shard.ok() ? std::move(*shard) : nullptr;
  }

  /// Sequences `first` … `first + count - 1` of cpu 1, with their receipt, in one commit.
  void append(Shard& shard, uint64_t first, uint64_t count, const std::string& payload = "\x81\xa1k\x07") {
    ASSERT_TRUE(shard.begin().ok());
    for (uint64_t sequence = first; sequence < first + count; ++sequence) {
      EventRow row;
      row.timestamp_ns = static_cast<int64_t>(1'000'000 + sequence);
      row.sequence = sequence;
      row.cpu_id = 1;
      row.boot_id = boot_.bytes.data();
      row.event_type = sequence % 2 == 0 ? "even" : "odd";
      row.payload = as_bytes(payload);
      ASSERT_TRUE(shard.append(row).ok());
    }
    const ReceiptRange range{.boot_id = boot_, .epoch = {}, .cpu_id = 1, .first = first,
                             .last = first + count - 1};
    ASSERT_TRUE(shard.add_receipts({&range, 1}).ok());
    ASSERT_TRUE(shard.commit().ok());
  }

  static int64_t query(const std::string& file, const std::string& sql) {
    auto connection = sqlite::Connection::open(file, {.mode = sqlite::OpenMode::kReadOnly});
    EXPECT_TRUE(connection.ok()) << (connection.ok() ? "" : connection.error().message);
    if (!connection.ok()) return -1;
    auto value = connection->query_int64(sql);
    EXPECT_TRUE(value.ok()) << (value.ok() ? "" : value.error().message);
    return value.ok() ? *value : -1;
  }
  static bool is_whole(const std::string& file) {
    return query(file, "SELECT integrity_check='ok' FROM pragma_integrity_check LIMIT 1") == 1;
  }

  std::string directory_;
  const Guid boot_ = Guid::random();
};

}  // namespace eventd::engine
