// Writes the columns of a segment and notes their bounds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/segments/row_bits.h"
#include "engine/segments/segment_encoder.h"
#include "engine/segments/text_column.h"

namespace eventd::engine {

/// Appends columns to a segment in the order of the calls. `valid` is null when all rows have a value;
/// else the values are those of its rows. One thread.
class SegmentColumnWriter {
 public:
  SegmentColumnWriter(EncodedSegment& segment, ByteCodec codec) : segment_(segment), codec_(codec) {}

  void integers(std::string name, std::span<const int64_t> values, const RowBits* valid = nullptr);
  /// As integers, of values that are bits: their bounds say nothing.
  void unsigned_integers(std::string name, std::span<const int64_t> values);
  /// Ids, which are never kept as a dictionary.
  void ids(std::string name, std::span<const int64_t> values);
  void bits(std::string name, std::span<const int64_t> values);
  void doubles(std::string name, std::span<const double> values);
  void texts(std::string name, std::span<const std::string_view> values, DictionaryOrder order,
             const RowBits* valid = nullptr);
  /// Text whose bounds say nothing.
  void raw(std::string name, std::span<const std::string_view> values);

 private:
  template <class Append>
  void add(std::string name, uint32_t values, const RowBits* valid, ColumnBound min, ColumnBound max,
           Append append);

  EncodedSegment& segment_;
  const ByteCodec codec_;
};

}  // namespace eventd::engine
