// Segments of random rows, and whether they read as what went in.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/segments/segment_encoder.h"
#include "engine/segments/segment_row_reader.h"
#include "tests/unit/segments/segment_random.h"

namespace eventd::engine::segment_tests {

/// Rows with random columns around given payloads. Rows borrow from it.
class RandomRows {
 public:
  RandomRows(const std::vector<std::string>& payloads, uint64_t seed) : random_(seed) {
    for (int i = 0; i < 20; ++i) guids_.push_back(random_.bytes(16));
    for (int i = 0; i < 40; ++i) types_.push_back("kacs.file." + std::to_string(i));
    const bool nulls = random_.below(2) == 0;
    for (size_t i = 0; i < payloads.size(); ++i) add(payloads[i], static_cast<int64_t>(i), nulls);
  }
  RandomRows(const RandomRows&) = delete;
  RandomRows& operator=(const RandomRows&) = delete;
  const std::vector<SealedRow>& rows() const { return rows_; }

 private:
  void add(const std::string& payload, int64_t i, bool nulls) {
    SealedRow row;
    row.id = 1'000 + i * 2;
    // Mostly ascending; equal times at times.
    row.timestamp_ns = i * 1'000'000 + static_cast<int64_t>(random_.below(10)) * 700'000 / 350'000 * 350'000;
    row.boot_id = guid();
    if (has(nulls)) row.effective_token_guid = guid();
    if (has(nulls)) row.true_token_guid = guid();
    if (has(nulls)) row.process_guid = guid();
    row.event_type = types_[random_.below(types_.size())];
    row.payload = as_bytes(payload);
    if (has(nulls)) row.cpu_id = static_cast<int64_t>(random_.below(2));
    if (has(nulls)) row.sequence = i * 3;
    if (has(nulls)) row.origin_class = static_cast<int64_t>(random_.below(4));
    rows_.push_back(row);
  }
  bool has(bool nulls) { return !nulls || random_.below(5) != 0; }
  const uint8_t* guid() { return as_bytes(guids_[random_.below(guids_.size())]).data(); }

  SegmentRandom random_;
  std::vector<std::string> guids_, types_;
  std::vector<SealedRow> rows_;
};

inline bool same_guid(const uint8_t* a, const uint8_t* b) {
  return a == nullptr || b == nullptr ? a == b : std::memcmp(a, b, 16) == 0;
}

/// Every column of every row of `segment`, which was made without the encoder's own comparison.
inline void expect_rows(const EncodedSegment& segment, std::vector<SealedRow> rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const SealedRow& a, const SealedRow& b) {
    return a.timestamp_ns < b.timestamp_ns;
  });
  const auto directory = decode_directory(as_bytes(segment.directory));
  ASSERT_TRUE(directory.ok()) << directory.error().message;
  ASSERT_EQ(directory->rows, rows.size());
  std::vector<ByteSpan> columns;
  for (const std::string& column : segment.columns) columns.push_back(as_bytes(column));
  auto reader = SegmentRowReader::open(*directory, columns);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  SealedRow read;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    const Status status = reader->read(i, read);
    ASSERT_TRUE(status.ok()) << status.error().message;
    const SealedRow& row = rows[i];
    ASSERT_EQ(read.id, row.id);
    ASSERT_EQ(read.timestamp_ns, row.timestamp_ns);
    ASSERT_EQ(read.sequence, row.sequence);
    ASSERT_EQ(read.cpu_id, row.cpu_id);
    ASSERT_EQ(read.origin_class, row.origin_class);
    ASSERT_EQ(read.event_type, row.event_type);
    ASSERT_TRUE(same_guid(read.boot_id, row.boot_id));
    ASSERT_TRUE(same_guid(read.effective_token_guid, row.effective_token_guid));
    ASSERT_TRUE(same_guid(read.true_token_guid, row.true_token_guid));
    ASSERT_TRUE(same_guid(read.process_guid, row.process_guid));
    ASSERT_EQ(as_text(read.payload), as_text(row.payload)) << "row " << i;
  }
}

inline void expect_payloads_come_back(const std::vector<std::string>& payloads, uint64_t seed = 1) {
  const RandomRows rows(payloads, seed);
  const auto segment = encode_segment(rows.rows(), {.verify = false});
  ASSERT_TRUE(segment.ok()) << segment.error().message;
  expect_rows(*segment, rows.rows());
}

}  // namespace eventd::engine::segment_tests
