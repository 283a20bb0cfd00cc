#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "engine/exec/spill_file.h"
#include "engine/exec/spill_partitions.h"
#include "spill_support.h"

namespace eventd::engine::testing {
namespace {

OperatorContext operators_of(SmallMemory& memory) {
  OperatorContext context;
  context.memory = &memory.account;
  context.temp = &memory.temp;
  context.cancel = &memory.cancel;
  return context;
}

const std::vector<Oid> kTypes{oid::kInt8, oid::kText, oid::kBool, oid::kFloat8, oid::kUuid,
                              oid::kInterval, oid::kInt2, oid::kJsonb};

/// Row i: every third value NULL, strings of 0 … 40 bytes, each column differently.
Batch mixed_rows(uint32_t size, int64_t seed) {
  BatchBuilder builder(kTypes);
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t row = builder.add_row();
    const int64_t value = seed + i;
    const std::string text(static_cast<size_t>(value % 41), static_cast<char>('a' + value % 26));
    builder.column(0).data<int64_t>()[row] = value;
    builder.column(1).set_string(row, text);
    builder.column(2).data<uint8_t>()[row] = value % 2 == 0 ? 1 : 0;
    builder.column(3).data<double>()[row] = static_cast<double>(value) / 7;
    UuidValue uuid{};
    uuid.bytes[15] = static_cast<uint8_t>(value);
    builder.column(4).data<UuidValue>()[row] = uuid;
    builder.column(5).data<IntervalValue>()[row] = {};
    builder.column(6).data<int16_t>()[row] = static_cast<int16_t>(value % 1000);
    builder.column(7).set_string(row, std::string(1, static_cast<char>(value % 100)));
    for (size_t c = 0; c < kTypes.size(); ++c) {
      if ((static_cast<size_t>(value) + c) % 3 == 0) builder.column(c).set_null(row);
    }
  }
  return builder.take();
}

void expect_same(const Batch& got, uint32_t row, const Batch& wanted, uint32_t at) {
  ASSERT_EQ(got.columns.size(), wanted.columns.size());
  for (size_t c = 0; c < wanted.columns.size(); ++c) {
    ASSERT_EQ(got.columns[c].datum(row), wanted.columns[c].datum(at)) << "column " << c << " row " << at;
  }
}

TEST(SpillStream, GivesBackWhatWasWritten) {
  SmallMemory memory(size_t{1} << 20);
  const OperatorContext context = operators_of(memory);
  auto file = SpillFile::create(context);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(memory.directory.file_count(), 0U) << "files have no names";
  SpillStream stream(context, *file, kTypes);
  for (int64_t i = 0; i < 6; ++i) ASSERT_TRUE(stream.write(mixed_rows(kBatchRows, i * kBatchRows)).ok());
  ASSERT_TRUE(stream.finish().ok());
  EXPECT_EQ(stream.row_count(), 6U * kBatchRows);
  EXPECT_EQ(memory.account.used_bytes(), 0U);
  for (const bool last : {false, true}) {
    SpillReader reader = stream.read(last);
    Batch batch;
    int64_t row = 0;
    for (;;) {
      const auto more = reader.next(batch);
      ASSERT_TRUE(more.ok());
      if (!*more) break;
      const Batch wanted = mixed_rows(batch.size, row);
      for (uint32_t i = 0; i < batch.size; ++i) expect_same(batch, i, wanted, i);
      row += batch.size;
    }
    EXPECT_EQ(row, 6 * static_cast<int64_t>(kBatchRows));
  }
  EXPECT_EQ(memory.temp.used_bytes(), 0U) << "what the last reader has read is given back";
}

TEST(SpillStream, WritesChosenRowsOfAnyForm) {
  SmallMemory memory(size_t{1} << 20);
  const OperatorContext context = operators_of(memory);
  auto file = SpillFile::create(context);
  ASSERT_TRUE(file.ok());
  const Batch rows = mixed_rows(100, 0);
  const uint32_t odd[] = {1, 3, 5, 99, 7};
  Batch chosen = rows.select(odd, 5);
  chosen.columns[0] = Vector::constant(Datum::int8(42), 5);
  chosen.columns[1] = Vector::null_constant(oid::kText, 5);
  SpillStream stream(context, *file, kTypes);
  const uint32_t picked[] = {4, 0, 3};
  ASSERT_TRUE(stream.write(chosen, picked, 3).ok());
  ASSERT_TRUE(stream.write(chosen, picked, 0).ok());
  ASSERT_TRUE(stream.finish().ok());
  SpillReader reader = stream.read();
  Batch got;
  ASSERT_TRUE(*reader.next(got));
  ASSERT_EQ(got.size, 3U);
  for (uint32_t i = 0; i < 3; ++i) expect_same(got, i, chosen, picked[i]);
  EXPECT_FALSE(*reader.next(got));
}

TEST(SpillStream, KeepsRowsWithoutColumnsAndLargeOnes) {
  SmallMemory memory(size_t{1} << 20);
  const OperatorContext context = operators_of(memory);
  auto file = SpillFile::create(context);
  ASSERT_TRUE(file.ok());
  SpillStream empty(context, *file, {});
  Batch rows;
  rows.size = 1500;
  ASSERT_TRUE(empty.write(rows).ok());
  ASSERT_TRUE(empty.write(rows).ok());
  ASSERT_TRUE(empty.finish().ok());
  uint64_t count = 0;
  SpillReader reader = empty.read();
  Batch got;
  for (auto more = reader.next(got); *more; more = reader.next(got)) count += got.size;
  EXPECT_EQ(count, 3000U);

  SpillStream large(context, *file, {oid::kText});
  const std::string text(3'000'000, 'x');
  Batch one;
  one.size = 1;
  one.columns.push_back(Vector::constant(Datum::text(text), 1));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(large.write(one).ok());
  ASSERT_TRUE(large.finish().ok());
  SpillReader texts = large.read();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(*texts.next(got));
    EXPECT_EQ(got.columns[0].view<StringRef>()[0].view(), text);
  }
}

TEST(SpillFile, TempFileLimitIsKept) {
  SmallMemory memory(size_t{1} << 20);
  memory.temp.set_limit(100'000);
  const OperatorContext context = operators_of(memory);
  auto file = SpillFile::create(context);
  ASSERT_TRUE(file.ok());
  SpillStream stream(context, *file, kTypes);
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = stream.write(mixed_rows(kBatchRows, i));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kConfigurationLimitExceeded);
  EXPECT_EQ(status.error().message, "temporary file size exceeds temp_file_limit (97kB)");
  EXPECT_LE(memory.temp.used_bytes(), 100'000U);
}

ssize_t full_disk(int, const void*, size_t, off_t) {
  errno = ENOSPC;
  return -1;
}
ssize_t half_writes(int fd, const void* data, size_t size, off_t offset) {
  return ::pwrite(fd, data, (size + 1) / 2, offset);
}
ssize_t no_more_bytes(int, void*, size_t, off_t) { return 0; }
ssize_t failing_read(int, void*, size_t, off_t) {
  errno = EIO;
  return -1;
}
ssize_t flipped_bit(int fd, void* data, size_t size, off_t offset) {
  const ssize_t got = ::pread(fd, data, size, offset);
  if (got > 100) static_cast<char*>(data)[100] = static_cast<char>(static_cast<char*>(data)[100] ^ 4);
  return got;
}

SqlState outcome(TempFileCalls calls) {
  SmallMemory memory(size_t{1} << 20, calls);
  const OperatorContext context = operators_of(memory);
  auto file = SpillFile::create(context);
  if (!file.ok()) return file.error().code;
  SpillStream stream(context, *file, kTypes);
  if (Status status = stream.write(mixed_rows(1000, 0)); !status.ok()) return status.error().code;
  if (Status status = stream.finish(); !status.ok()) return status.error().code;
  SpillReader reader = stream.read();
  Batch batch;
  for (;;) {
    const auto more = reader.next(batch);
    if (!more.ok()) return more.error().code;
    if (!*more) return sqlstate::kSuccess;
  }
}

TEST(SpillFile, FailuresHaveTheirCodes) {
  EXPECT_EQ(outcome({.write_at = half_writes}), sqlstate::kSuccess);
  EXPECT_EQ(outcome({.write_at = full_disk}), sqlstate::kDiskFull);
  EXPECT_EQ(outcome({.read_at = no_more_bytes}), sqlstate::kDataCorrupted);
  EXPECT_EQ(outcome({.read_at = failing_read}), sqlstate::kIoError);
  EXPECT_EQ(outcome({.read_at = flipped_bit}), sqlstate::kDataCorrupted);
}

TEST(SpillFile, CancelStopsWritingAndReading) {
  SmallMemory memory(size_t{1} << 20);
  const OperatorContext context = operators_of(memory);
  auto file = SpillFile::create(context);
  ASSERT_TRUE(file.ok());
  SpillStream stream(context, *file, kTypes);
  ASSERT_TRUE(stream.write(mixed_rows(kBatchRows, 0)).ok());
  ASSERT_TRUE(stream.finish().ok());
  memory.cancel.cancel(CancelToken::Reason::kUserRequest);
  SpillReader reader = stream.read();
  Batch batch;
  const auto more = reader.next(batch);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, sqlstate::kQueryCanceled);
  SpillStream other(context, *file, kTypes);
  EXPECT_EQ(other.write(mixed_rows(10, 0)).error().code, sqlstate::kQueryCanceled);
}

TEST(SpillPartitions, EqualKeysMeetAndEveryRowIsThereOnce) {
  SmallMemory memory(size_t{1} << 20);
  const OperatorContext context = operators_of(memory);
  for (const uint32_t level : {0U, 3U}) {
    auto partitions = SpillPartitions::create(context, {oid::kInt8}, level);
    ASSERT_TRUE(partitions.ok());
    std::vector<uint64_t> hashes(kBatchRows);
    for (int64_t b = 0; b < 10; ++b) {
      Batch batch;
      batch.size = kBatchRows;
      batch.columns.push_back(Vector::flat(oid::kInt8, kBatchRows));
      for (uint32_t i = 0; i < kBatchRows; ++i) {
        batch.columns[0].data<int64_t>()[i] = (b * kBatchRows + i) % 5000;
      }
      hash_vector(batch.columns[0], hashes.data(), kBatchRows, false);
      ASSERT_TRUE((*partitions)->add(batch, hashes.data()).ok());
    }
    ASSERT_TRUE((*partitions)->finish().ok());
    std::map<int64_t, std::pair<uint32_t, int>> seen;
    for (uint32_t p = 0; p < SpillPartitions::kFanout; ++p) {
      SpillReader reader = (*partitions)->partition(p).read();
      Batch batch;
      for (auto more = reader.next(batch); *more; more = reader.next(batch)) {
        for (uint32_t i = 0; i < batch.size; ++i) {
          auto& [partition, count] = seen[batch.columns[0].view<int64_t>()[i]];
          if (count++ > 0) {
            ASSERT_EQ(partition, p);
          }
          partition = p;
        }
      }
    }
    ASSERT_EQ(seen.size(), 5000U);
    int total = 0;
    for (const auto& [value, place] : seen) total += place.second;
    EXPECT_EQ(total, 10 * static_cast<int>(kBatchRows));
  }
  EXPECT_EQ(memory.account.used_bytes(), 0U);
}

TEST(MemoryGrant, LeavesRoomForThoseWhoCannotSpill) {
  MemoryPool pool(size_t{1} << 30);
  MemoryAccount account(pool, size_t{16} << 20);
  MemoryGrant spilling(&account), other(&account), small(&account);
  EXPECT_TRUE(spilling.try_ensure(size_t{11} << 20));
  EXPECT_FALSE(spilling.try_ensure(size_t{13} << 20));
  EXPECT_TRUE(small.try_ensure(size_t{1} << 20)) << "a sixteenth is always there";
  EXPECT_FALSE(small.try_ensure(size_t{2} << 20));
  EXPECT_TRUE(other.ensure(size_t{2} << 20).ok());
  EXPECT_FALSE(other.ensure(size_t{8} << 20).ok());
  spilling.reset();
  EXPECT_TRUE(small.try_ensure(size_t{2} << 20));
  MemoryGrant unaccounted(nullptr);
  EXPECT_TRUE(unaccounted.try_ensure(size_t{1} << 40));
}

}  // namespace
}  // namespace eventd::engine::testing
