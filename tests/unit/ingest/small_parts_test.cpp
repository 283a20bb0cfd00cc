// Arena, row buffer, ring progress, synthetic payloads, boot id.
#include <gtest/gtest.h>

#include "engine/ingest/arena.h"
#include "engine/ingest/boot.h"
#include "engine/ingest/commit_ages.h"
#include "engine/ingest/ring_progress.h"
#include "engine/ingest/row_buffer.h"
#include "engine/ingest/synthetic.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

TEST(Arena, BumpsThroughOneBlockAndIsReusedWhole) {
  Arena arena;
  arena.prepare(1);
  EXPECT_EQ(arena.free_space().size(), kArenaBytes);
  const uint8_t* begin = arena.free_space().data();
  arena.advance(100);
  EXPECT_EQ(arena.free_space().data(), begin + 100);
  EXPECT_EQ(arena.used().size(), 100u);
  arena.advance(arena.free_space().size());
  EXPECT_TRUE(arena.free_space().empty());
  arena.prepare(1);
  EXPECT_EQ(arena.free_space().data(), begin);
  EXPECT_EQ(arena.used_bytes(), 0u);
}

TEST(RingProgress, GoesAsFarAsTheSlowestShard) {
  RingProgress progress(2, 5);
  EXPECT_EQ(progress.covered_through(), 5u);
  progress.assign(6, 10);   // shard A
  progress.assign(11, 20);  // shard B
  progress.assign(21, 30);  // shard A
  progress.committed(11, 20);
  EXPECT_EQ(progress.covered_through(), 5u);
  progress.committed(6, 10);
  EXPECT_EQ(progress.covered_through(), 20u);
  progress.committed(21, 30);
  EXPECT_EQ(progress.covered_through(), 30u);
}

TEST(CommitAges, QuantilesAreAnEighthTooHighAtMost) {
  for (const int64_t age_ns : {int64_t{0}, int64_t{1}, int64_t{7}, int64_t{8}, int64_t{9}, int64_t{1'000'000},
                               int64_t{99'999'999}, INT64_MAX}) {
    CommitAges ages;
    ages.add(age_ns);
    ages.add(-5);
    CommitAges::Counts counts{};
    ages.read(counts);
    const int64_t bound = CommitAges::quantile(counts, 0.5);
    EXPECT_GE(bound, age_ns);
    EXPECT_LE(static_cast<double>(bound), static_cast<double>(age_ns) * 1.126 + 1);
  }
}

TEST(CommitAges, TheNinetyNinthOfAHundred) {
  CommitAges ages;
  for (int i = 0; i < 990; ++i) ages.add(1'000);
  for (int i = 0; i < 10; ++i) ages.add(1'000'000);
  CommitAges::Counts counts{};
  EXPECT_EQ(CommitAges::quantile(counts, 0.99), 0);
  ages.read(counts);
  EXPECT_LT(CommitAges::quantile(counts, 0.5), 1'200);
  EXPECT_LT(CommitAges::quantile(counts, 0.98), 1'200);
  EXPECT_GE(CommitAges::quantile(counts, 0.99), 1'000'000);
  EXPECT_GE(CommitAges::quantile(counts, 1), 1'000'000);
}

TEST(RowBuffer, GivesBackWhatWasAddedOverManySegments) {
  RowBuffer buffer;
  RowBuffer::Stamp stamp;
  for (uint32_t i = 0; i < 5000; ++i) {
    if (i % 1000 == 0) {
      stamp.timestamp_ns = i;
      buffer.set_stamp(stamp);
    }
    const std::string value(i % 300, static_cast<char>('a' + i % 26));
    buffer.add("type" + std::to_string(i), as_bytes(value));
  }
  RowBuffer::Cursor cursor(buffer);
  RowBuffer::Row row;
  for (uint32_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(cursor.next(row));
    ASSERT_EQ(row.event_type, "type" + std::to_string(i));
    ASSERT_EQ(as_text(row.payload), std::string(i % 300, static_cast<char>('a' + i % 26)));
    ASSERT_EQ(row.stamp->timestamp_ns, i / 1000 * 1000);
  }
  EXPECT_FALSE(cursor.next(row));
}

TEST(RowBuffer, TruncateAndTakeKeepTheStampInForce) {
  RowBuffer buffer;
  RowBuffer::Stamp stamp;
  stamp.timestamp_ns = 1;
  buffer.set_stamp(stamp);
  for (int i = 0; i < 1000; ++i) buffer.add("first", {});
  stamp.timestamp_ns = 2;
  buffer.set_stamp(stamp);
  for (int i = 0; i < 1000; ++i) buffer.add("second", {});
  for (const uint64_t rows : {1500u, 1000u, 999u, 1u, 0u}) {
    buffer.truncate(rows);
    EXPECT_EQ(buffer.row_count(), rows);
    buffer.add("last", {});
    RowBuffer::Cursor cursor(buffer);
    RowBuffer::Row row;
    uint64_t seen = 0;
    while (cursor.next(row)) ++seen;
    EXPECT_EQ(seen, rows + 1);
    EXPECT_EQ(row.event_type, "last");
    EXPECT_EQ(row.stamp->timestamp_ns, 2);
    buffer.truncate(rows);
  }
  EXPECT_EQ(buffer.used_bytes(), 0u);
  buffer.add("x", {});
  const RowBuffer taken = buffer.take();
  EXPECT_EQ(taken.row_count(), 1u);
  EXPECT_EQ(buffer.row_count(), 0u);
  buffer.add("y", {});
  RowBuffer::Cursor cursor(buffer);
  RowBuffer::Row row;
  ASSERT_TRUE(cursor.next(row));
  EXPECT_EQ(row.stamp->timestamp_ns, 2);
}

/// Reads the few forms of msgpack that payloads use, independently of the writer.
std::string print(const std::string& payload, size_t& at) {
  const auto byte = [&] { return static_cast<uint8_t>(payload.at(at++)); };
  const auto number = [&](int bytes) {
    uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | byte();
    return value;
  };
  const auto text = [&](uint64_t size) {
    at += size;
    return '"' + payload.substr(at - size, size) + '"';
  };
  const uint8_t tag = byte();
  if (tag < 0x80) return std::to_string(tag);
  if (tag < 0x90) {
    std::string map = "{";
    for (int i = 0; i < (tag & 0x0f); ++i) {
      map += (i ? ", " : "") + print(payload, at) + ": ";
      map += print(payload, at);
    }
    return map + "}";
  }
  if (tag >= 0xa0 && tag < 0xc0) return text(tag & 0x1f);
  switch (tag) {
    case 0xc0: return "nil";
    case 0xc2: return "false";
    case 0xc3: return "true";
    case 0xcc: return std::to_string(number(1));
    case 0xcd: return std::to_string(number(2));
    case 0xce: return std::to_string(number(4));
    case 0xcf: return std::to_string(number(8));
    case 0xd9: return text(number(1));
    case 0xda: return text(number(2));
    default: return "?";
  }
}
std::string print(const std::string& payload) {
  EXPECT_TRUE(kmes_msgpack_valid(as_bytes(payload).data(), payload.size(), 4));
  size_t at = 0;
  std::string text = print(payload, at);
  EXPECT_EQ(at, payload.size());
  return text;
}

TEST(Synthetic, PayloadsAreMsgpackMaps) {
  EXPECT_EQ(print(synthetic::gap_payload({.first_missing = 200,
                                          .last_missing = 70'000,
                                          .last_timestamp_ns = std::nullopt,
                                          .revealed_by_timestamp_ns = 1'700'000'000'000'000'000,
                                          .cpu_id = 300})),
            R"({"cpu_id": 300, "first_missing": 200, "last_missing": 70000, "count": 69801, )"
            R"("last_timestamp": nil, "revealed_by_timestamp": 1700000000000000000})");
  EXPECT_EQ(print(synthetic::startup_payload(Guid{}, true, false, 2, {{0, 5}, {32'768, 1}})),
            R"({"boot_id": "00000000-0000-0000-0000-000000000000", "restart": true, "clean": false, )"
            R"("shard_count": 2, "resume": {"0": 5, "32768": 1}})");
  EXPECT_EQ(print(synthetic::shutdown_payload({})), R"({"last": {}})");
  const std::string error(300, 'e');
  EXPECT_EQ(print(synthetic::storage_error_payload("event", 1, error)),
            R"({"store": "event", "shard": 1, "error": ")" + error + "\"}");
}

TEST(Boot, TheKernelsIdIsAGuid) {
  const auto boot_id = read_boot_id();
  ASSERT_TRUE(boot_id.ok());
  EXPECT_FALSE(boot_id->is_zero());
}

}  // namespace
}  // namespace eventd::engine
