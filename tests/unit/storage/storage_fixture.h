// A directory of shards that is removed again, events to put into them, and whole scans.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/storage/event_relation.h"
#include "engine/storage/event_columns.h"
#include "engine/storage/shard_set.h"

namespace eventd::engine {

/// An owned event for tests.
struct TestEvent {
  int64_t timestamp_ns = 0;
  std::string type = "test.type";
  std::string payload = {};
  std::optional<uint64_t> sequence = {};
  std::optional<uint16_t> cpu_id = {};
  std::optional<uint8_t> origin_class = {};
  std::optional<Guid> process = {};
  Guid boot{{9, 9}};

  EventRow row() const {
    EventRow r;
    r.timestamp_ns = timestamp_ns;
    r.event_type = type;
    r.payload = as_bytes(payload);
    r.sequence = sequence;
    r.cpu_id = cpu_id;
    r.origin_class = origin_class;
    r.process_guid = process ? process->bytes.data() : nullptr;
    r.boot_id = boot.bytes.data();
    return r;
  }
};

class StorageTest : public ::testing::Test {
 protected:
  StorageTest() {
    std::string name = (std::filesystem::temp_directory_path() / "eventd-test-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~StorageTest() override {
    set_.reset();
    std::filesystem::remove_all(directory_);
  }

  ShardSet& open(uint32_t shards = 1) {
    set_.reset();
    auto opened = ShardSet::open({.directory = directory_ + "/events", .shard_count = shards});
    if (!opened.ok()) throw std::runtime_error(opened.error().message);
    set_ = std::move(*opened);
    return *set_;
  }

  static void append(Shard& shard, const std::vector<TestEvent>& events) {
    ASSERT_TRUE(shard.begin().ok());
    for (const TestEvent& event : events) ASSERT_TRUE(shard.append(event.row()).ok());
    ASSERT_TRUE(shard.commit().ok());
  }

  static ScanColumn column(EventColumn which) {
    ScanColumn result;
    result.column = static_cast<int>(which);
    return result;
  }
  static ScanColumn path(std::vector<std::string> keys,
                         ScanColumn::Extract extract = ScanColumn::Extract::kText) {
    ScanColumn result = column(EventColumn::kPayload);
    result.extract = extract;
    result.path = std::move(keys);
    return result;
  }

  ScanRequest request(std::vector<ScanColumn> columns, std::vector<ScanPredicate> predicates = {}) {
    ScanRequest result;
    result.columns = std::move(columns);
    result.predicates = std::move(predicates);
    result.access = AccessScope::everything();
    result.snapshot = set_->snapshot();
    return result;
  }

  /// All rows, unordered, as (column datums).
  std::vector<std::vector<Datum>> rows(const ScanRequest& wanted, ScanCounters* counters = nullptr) {
    std::vector<std::vector<Datum>> out;
    auto scan = set_->events_relation().scan(wanted);
    EXPECT_TRUE(scan.ok()) << (scan.ok() ? "" : scan.error().message);
    if (!scan.ok()) return out;
    auto cursor = (*scan)->open_worker();
    EXPECT_TRUE(cursor.ok());
    drain(**cursor, out);
    if (counters) *counters = (*scan)->counters();
    return out;
  }

  /// The partitions of an ordered scan, one after another.
  std::vector<std::vector<std::vector<Datum>>> partitions(const ScanRequest& wanted,
                                                          ScanCounters* counters = nullptr) {
    std::vector<std::vector<std::vector<Datum>>> out;
    auto scan = set_->events_relation().scan(wanted);
    EXPECT_TRUE(scan.ok()) << (scan.ok() ? "" : scan.error().message);
    if (!scan.ok()) return out;
    for (size_t i = 0; i < (*scan)->partitions(); ++i) {
      auto cursor = (*scan)->open_partition(i);
      EXPECT_TRUE(cursor.ok());
      drain(**cursor, out.emplace_back());
    }
    if (counters) *counters = (*scan)->counters();
    return out;
  }

  static void drain(ScanCursor& cursor, std::vector<std::vector<Datum>>& out) {
    Batch batch;
    while (true) {
      auto more = cursor.next(batch);
      ASSERT_TRUE(more.ok()) << more.error().message;
      if (!*more) return;
      ASSERT_GT(batch.size, 0u);
      for (uint32_t r = 0; r < batch.size; ++r) {
        std::vector<Datum>& row = out.emplace_back();
        for (const Vector& vector : batch.columns) row.push_back(vector.datum(r));
      }
    }
  }

  size_t count() { return rows(request({})).size(); }

  std::string directory_;
  std::unique_ptr<ShardSet> set_;
};

}  // namespace eventd::engine
