// Arena, row buffer, coverage, synthetic payloads, resume, boot id.
#include <gtest/gtest.h>

#include "engine/ingest/arena.h"
#include "engine/ingest/arrival_estimate.h"
#include "engine/ingest/boot.h"
#include "engine/ingest/coverage.h"
#include "engine/ingest/resume.h"
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

TEST(Coverage, MergesWhatTouchesAndKeepsCpusApart) {
  Coverage coverage;
  coverage.add(0, 1, 10);
  coverage.add(1, 11, 12);
  coverage.add(0, 20, 30);
  EXPECT_EQ(coverage.ranges().size(), 3u);
  coverage.add(0, 11, 19);
  ASSERT_EQ(coverage.ranges().size(), 2u);
  EXPECT_EQ(coverage.ranges()[0].first, 1u);
  EXPECT_EQ(coverage.ranges()[0].last, 30u);
  EXPECT_EQ(coverage.ranges()[1].cpu_id, 1);
}

TEST(Coverage, RemovesFromTheMiddle) {
  Coverage coverage;
  coverage.add(0, 1, 10);
  coverage.add(1, 1, 10);
  coverage.remove(0, 4, 6);
  coverage.remove(0, 10, 20);
  coverage.remove(1, 1, 10);
  ASSERT_EQ(coverage.ranges().size(), 2u);
  EXPECT_EQ(coverage.ranges()[0].last, 3u);
  EXPECT_EQ(coverage.ranges()[1].first, 7u);
  EXPECT_EQ(coverage.ranges()[1].last, 9u);
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

TEST(ArrivalEstimate, IsFastUnderLoadAndSlowAgainWhenItEnds) {
  ArrivalEstimate estimate;
  int64_t now = 1;
  EXPECT_FALSE(estimate.fast());
  for (int i = 0; i < 50; ++i) estimate.note_arrival(1000, now += 1'000'000);
  EXPECT_TRUE(estimate.fast());
  for (int i = 0; i < 50; ++i) estimate.note_arrival(1, now += 10'000'000);
  EXPECT_FALSE(estimate.fast());
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

ReceiptRange receipt(uint8_t boot, uint16_t cpu, uint64_t first, uint64_t last) {
  ReceiptRange range;
  range.boot_id.bytes[0] = boot;
  range.cpu_id = cpu;
  range.first = first;
  range.last = last;
  return range;
}
Guid boot(uint8_t number) {
  Guid guid;
  guid.bytes[0] = number;
  return guid;
}

TEST(Resume, AFreshDirectoryStartsAtZero) {
  const Resume resume = plan_resume({}, boot(1), {});
  EXPECT_FALSE(resume.restart);
  EXPECT_TRUE(resume.clean);
  EXPECT_TRUE(resume.last.empty());
  ASSERT_EQ(resume.startup_receipts.size(), 1u);
  EXPECT_EQ(resume.startup_receipts[0].last, 1u);
  EXPECT_EQ(resume.shutdown_receipt.first, 2u);
}

TEST(Resume, UnionsTheShardsAndFindsHoles) {
  const ReceiptRange receipts[] = {receipt(1, 0, 1, 10), receipt(1, 0, 21, 30), receipt(1, 0, 11, 15),
                                   receipt(1, 1, 5, 6),  receipt(2, 0, 1, 999), receipt(1, kRunCpuId, 1, 2)};
  const Resume resume = plan_resume(receipts, boot(1), {});
  EXPECT_TRUE(resume.restart);
  EXPECT_FALSE(resume.clean);
  EXPECT_EQ(resume.last, (synthetic::SequenceByCpu{{0, 30}, {1, 6}}));
  ASSERT_EQ(resume.holes.ranges().size(), 2u);
  EXPECT_EQ(resume.holes.ranges()[0].first, 16u);
  EXPECT_EQ(resume.holes.ranges()[0].last, 20u);
  EXPECT_EQ(resume.holes.ranges()[1].first, 1u);
  EXPECT_EQ(resume.holes.ranges()[1].last, 4u);
}

TEST(Resume, ARunWithoutAShutdownIsNotClean) {
  const ReceiptRange crashed[] = {receipt(1, 0, 1, 10), receipt(1, kRunCpuId, 1, 3)};
  const Resume resume = plan_resume(crashed, boot(1), {});
  EXPECT_TRUE(resume.restart);
  EXPECT_FALSE(resume.clean);
  EXPECT_EQ(resume.shutdown_receipt.last, 6u);  // run 3 closed as 4, this one is 5
  // In another boot: said once, then remembered as told.
  const Resume other = plan_resume(crashed, boot(2), {});
  EXPECT_FALSE(other.restart);
  EXPECT_FALSE(other.clean);
  std::vector<ReceiptRange> later(std::begin(crashed), std::end(crashed));
  later.insert(later.end(), other.startup_receipts.begin(), other.startup_receipts.end());
  later.push_back(other.shutdown_receipt);
  EXPECT_TRUE(plan_resume(later, boot(3), {}).clean);
}

TEST(Boot, TheKernelsIdIsAGuid) {
  const auto boot_id = read_boot_id();
  ASSERT_TRUE(boot_id.ok());
  EXPECT_FALSE(boot_id->is_zero());
}

}  // namespace
}  // namespace eventd::engine
