// Payloads of a segment's rows become shapes and columns of values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/segments/payload_parser.h"

namespace eventd::engine {

/// The values of one payload column, in the order of the rows that have one.
struct PayloadColumnValues {
  PayloadColumnKey key;
  std::vector<int64_t> integers;        ///< kInteger, kUnsigned (its bits), kBool (0 or 1)
  std::vector<double> doubles;
  std::vector<std::string_view> texts;  ///< kText, kRaw; borrowed from the payloads
  size_t count() const { return integers.size() + doubles.size() + texts.size(); }
};

/// All payloads of a segment. A row has a value in a column when its shape has a slot of it.
struct ShreddedPayloads {
  std::vector<PayloadShape> shapes;
  std::vector<int64_t> shape_ids;  ///< of each row, into shapes
  std::vector<PayloadColumnValues> columns;
  /// Of rows whose shape has slots in kRestColumn: their values as msgpack, one after the other.
  std::vector<std::string> rest;
};

/// Owned by one thread. Payloads are borrowed until finish() has returned and its result is done with.
class PayloadShredder {
 public:
  PayloadShredder();
  /// Any bytes; empty is no payload. With `raw` the bytes are kept as they are.
  void add(ByteSpan payload, bool raw = false);
  size_t rows() const { return rows_.size(); }
  /// The most frequent shapes and columns; the rest is kept as bytes. Ends the shredder's use.
  ShreddedPayloads finish();

 private:
  struct Shape {
    PayloadShape shape;
    std::vector<std::string> paths;  // of its slots
    uint64_t rows = 0;
    uint32_t number = UINT32_MAX;  // among those kept
    bool keeps_bytes = false;      // a path comes twice: one value a column would not do
    bool has_rest = false;
  };
  struct Row {
    ByteSpan payload;
    size_t values;  // first of the row's in values_
    uint32_t shape;
  };

  uint32_t shape_of(ByteSpan payload);
  uint32_t add_shape(ByteSpan payload, uint64_t hash);
  bool is_shape(const Shape& shape) const;
  void keep_frequent_shapes(ShreddedPayloads& out);
  void keep_frequent_columns(ShreddedPayloads& out);
  void fill(ShreddedPayloads& out);

  PayloadParser parser_;
  std::vector<Shape> shapes_;  // [0]: all of the bytes
  std::unordered_multimap<uint64_t, uint32_t> shapes_by_hash_;
  std::vector<Row> rows_;
  std::vector<PayloadValue> values_;
  uint32_t last_shape_ = 0;
};

}  // namespace eventd::engine
