// Whole segments: what goes in comes out.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "engine/payload/json_to_msgpack.h"
#include "tests/support/long_tests.h"
#include "tests/unit/segments/random_payloads.h"
#include "tests/unit/segments/segment_rows.h"

namespace eventd::engine {
namespace {

using segment_tests::RandomPayloads;
using segment_tests::RandomRows;
using segment_tests::SegmentRandom;

std::vector<std::string> random_payloads(size_t count, uint64_t seed) {
  RandomPayloads random(seed);
  std::vector<std::string> payloads;
  for (size_t i = 0; i < count; ++i) payloads.push_back(random.next());
  return payloads;
}

std::vector<ByteSpan> spans(const EncodedSegment& segment) {
  std::vector<ByteSpan> columns;
  for (const std::string& column : segment.columns) columns.push_back(as_bytes(column));
  return columns;
}

#ifdef __SANITIZE_ADDRESS__
constexpr uint64_t kSlowness = 10;  // the same time with a sanitizer
#else
constexpr uint64_t kSlowness = 1;
#endif

TEST(Segment, FuzzedPayloadsComeBackByteForByte) {
  const uint64_t total = (long_tests() ? 10'000'000 : 200'000) / kSlowness;
  constexpr uint64_t kRows = 20'000;
  for (uint64_t done = 0; done < total; done += kRows) {
    SCOPED_TRACE(testing::Message() << "seed " << done);
    segment_tests::expect_payloads_come_back(random_payloads(kRows, done), done);
    if (HasFatalFailure()) return;
  }
}

TEST(Segment, SizesAtTheEdgesOfBlocks) {
  for (const size_t rows : {1, 2, 63, 64, 65, 2'047, 2'048, 2'049}) {
    SCOPED_TRACE(testing::Message() << rows << " rows");
    segment_tests::expect_payloads_come_back(random_payloads(rows, rows), rows);
  }
}

TEST(Segment, TheEncoderComparesWhatItWrote) {
  const auto payloads = random_payloads(5'000, 77);
  const RandomRows rows(payloads, 77);
  for (const ByteCodec codec : {ByteCodec::kNone, ByteCodec::kLz4, ByteCodec::kZstd}) {
    const auto segment = encode_segment(rows.rows(), {.codec = codec, .verify = true});
    ASSERT_TRUE(segment.ok()) << segment.error().message;
    segment_tests::expect_rows(*segment, rows.rows());
  }
}

TEST(Segment, DirectoryTellsWhatIsInside) {
  const auto payloads = random_payloads(3'000, 5);
  const RandomRows rows(payloads, 8);
  const auto segment = encode_segment(rows.rows());
  ASSERT_TRUE(segment.ok());
  const auto directory = decode_directory(as_bytes(segment->directory));
  ASSERT_TRUE(directory.ok());
  EXPECT_EQ(directory->rows, 3'000u);
  EXPECT_EQ(directory->first_id, 1'000);
  EXPECT_EQ(directory->last_id, 1'000 + 2 * 2'999);
  const SegmentColumnInfo& times = directory->columns[directory->column_of(SealedColumn::kTimestamp)];
  EXPECT_EQ(times.name, "timestamp");
  EXPECT_EQ(times.min, ColumnBound(directory->min_timestamp_ns));
  EXPECT_EQ(times.max, ColumnBound(directory->max_timestamp_ns));
  const SegmentColumnInfo& types = directory->columns[directory->column_of(SealedColumn::kEventType)];
  EXPECT_EQ(types.encoding, ColumnEncoding::kTextDictionary);
  EXPECT_EQ(types.min, ColumnBound(std::string("kacs.file.0")));
  EXPECT_EQ(types.max, ColumnBound(std::string("kacs.file.9")));
  ASSERT_EQ(directory->columns.size(), segment->columns.size());
  for (size_t i = 0; i < segment->columns.size(); ++i) {
    EXPECT_TRUE(check_column(directory->columns[i], as_bytes(segment->columns[i])).ok());
  }
}

TEST(Segment, AChangedByteIsFound) {
  const auto payloads = random_payloads(1'000, 6);
  const RandomRows rows(payloads, 6);
  const auto encoded = encode_segment(rows.rows());
  ASSERT_TRUE(encoded.ok());
  EncodedSegment segment = *encoded;
  SegmentRandom random(1);
  for (std::string& column : segment.columns) {
    const size_t at = random.below(column.size());
    column[at] = static_cast<char>(column[at] ^ 1);
    const auto reader = SegmentRowReader::open(segment.info, spans(segment));
    ASSERT_FALSE(reader.ok());
    EXPECT_EQ(reader.error().code, sqlstate::kDataCorrupted);
    column[at] = static_cast<char>(column[at] ^ 1);
  }
  for (int i = 0; i < 200; ++i) {
    std::string directory = segment.directory;
    const size_t at = random.below(directory.size());
    directory[at] = static_cast<char>(directory[at] ^ 4);
    EXPECT_EQ(decode_directory(as_bytes(directory)).error().code, sqlstate::kDataCorrupted);
  }
}

TEST(Segment, RowsComeInAnyOrder) {
  const auto payloads = random_payloads(3'000, 9);
  const RandomRows rows(payloads, 9);
  const auto segment = encode_segment(rows.rows(), {.verify = false});
  ASSERT_TRUE(segment.ok());
  const auto directory = decode_directory(as_bytes(segment->directory));
  ASSERT_TRUE(directory.ok());
  auto reader = SegmentRowReader::open(*directory, spans(*segment));
  ASSERT_TRUE(reader.ok());
  std::vector<std::string> all(3'000);
  SealedRow row;
  for (uint32_t i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(reader->read(i, row).ok());
    all[i] = as_text(row.payload);
  }
  SegmentRandom random(1);
  for (int i = 0; i < 500; ++i) {
    const auto at = static_cast<uint32_t>(random.below(3'000));
    ASSERT_TRUE(reader->read(at, row).ok());
    ASSERT_EQ(as_text(row.payload), all[at]) << at;
  }
}

TEST(Segment, RefusesWhatItCannotHold) {
  EXPECT_EQ(encode_segment({}).error().code, sqlstate::kProgramLimitExceeded);
  const std::string large(kSegmentValueBytesMax + 1, 'x');
  const RandomRows rows({large}, 1);
  EXPECT_EQ(encode_segment(rows.rows()).error().code, sqlstate::kProgramLimitExceeded);
}

// Real events, when they are there: EVENTD_SECURITY_EVENTS names a file of one JSON object a line.
TEST(Segment, SecurityEvents) {
  const char* path = std::getenv("EVENTD_SECURITY_EVENTS");
  // Nobody but who has such a file can run it; the fuzzed payloads are the test for the rest.
  if (path == nullptr || !std::filesystem::exists(path)) {
    GTEST_SKIP() << "EVENTD_SECURITY_EVENTS names no file of real events";
  }
  std::vector<std::string> payloads;
  FILE* file = std::fopen(path, "r");
  ASSERT_NE(file, nullptr);
  char* line = nullptr;
  size_t room = 0, raw_bytes = 0;
  for (ssize_t size; (size = ::getline(&line, &room, file)) > 0;) {
    std::string& payload = payloads.emplace_back();
    const Status status = append_msgpack_from_json({line, static_cast<size_t>(size)}, {}, payload);
    ASSERT_TRUE(status.ok()) << status.error().message;
    raw_bytes += payload.size();
  }
  std::free(line);
  std::fclose(file);
  const RandomRows rows(payloads, 1);
  for (const ByteCodec codec : {ByteCodec::kLz4, ByteCodec::kZstd}) {
    const auto segment = encode_segment(rows.rows(), {.codec = codec});
    ASSERT_TRUE(segment.ok()) << segment.error().message;
    segment_tests::expect_rows(*segment, rows.rows());
    std::printf("%s: %zu events, %.1f bytes of payload each, %.1f in the segment; %zu shapes, %zu columns\n",
                codec == ByteCodec::kLz4 ? "lz4" : "zstd", payloads.size(),
                static_cast<double>(raw_bytes) / static_cast<double>(payloads.size()),
                static_cast<double>(segment->bytes()) / static_cast<double>(payloads.size()),
                segment->info.shapes.size(), segment->info.payload_columns.size());
  }
}

}  // namespace
}  // namespace eventd::engine
