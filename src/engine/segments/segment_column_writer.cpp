#include "engine/segments/segment_column_writer.h"

#include <algorithm>
#include <cmath>

#include "engine/segments/bitmap_column.h"
#include "engine/segments/double_column.h"
#include "engine/segments/integer_column.h"

namespace eventd::engine {
namespace {

ColumnBound least_text(std::string_view text) { return std::string(text.substr(0, kBoundBytesMax)); }
ColumnBound greatest_text(std::string_view text) {
  if (text.size() > kBoundBytesMax) return std::monostate{};
  return std::string(text);
}

struct Bounds {
  ColumnBound min, max;
};

Bounds bounds_of(std::span<const int64_t> values) {
  if (values.empty()) return {};
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  return {*min, *max};
}

Bounds bounds_of(std::span<const double> values) {
  // NaN is greater than all in SQL, and has no bound here.
  if (values.empty() || std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) {
    return {};
  }
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  return {*min, *max};
}

}  // namespace

template <class Append>
void SegmentColumnWriter::add(std::string name, uint32_t values, const RowBits* valid, ColumnBound min,
                              ColumnBound max, Append append) {
  std::string bytes;
  ColumnEncoding encoding{};
  if (valid == nullptr) {
    encoding = append(bytes);
  } else {
    append_nullable_column(*valid, bytes, [&] { encoding = append(bytes); });
  }
  SegmentColumnInfo info;
  info.name = std::move(name);
  info.encoding = encoding;
  info.nulls = segment_.info.rows - values;
  info.bytes = static_cast<uint32_t>(bytes.size());
  info.checksum = segment_checksum(as_bytes(bytes));
  info.min = std::move(min);
  info.max = std::move(max);
  segment_.info.columns.push_back(std::move(info));
  segment_.columns.push_back(std::move(bytes));
}

void SegmentColumnWriter::integers(std::string name, std::span<const int64_t> values, const RowBits* valid) {
  auto [min, max] = bounds_of(values);
  add(std::move(name), static_cast<uint32_t>(values.size()), valid, std::move(min), std::move(max),
      [&](std::string& out) { return append_integer_column(values, out); });
}

void SegmentColumnWriter::unsigned_integers(std::string name, std::span<const int64_t> values) {
  add(std::move(name), static_cast<uint32_t>(values.size()), nullptr, {}, {},
      [&](std::string& out) { return append_integer_column(values, out); });
}

void SegmentColumnWriter::ids(std::string name, std::span<const int64_t> values) {
  add(std::move(name), static_cast<uint32_t>(values.size()), nullptr, {}, {}, [&](std::string& out) {
    const size_t begin = out.size();
    append_id_column(values, out);
    return static_cast<ColumnEncoding>(out[begin]);
  });
}

void SegmentColumnWriter::bits(std::string name, std::span<const int64_t> values) {
  RowBits bits(static_cast<uint32_t>(values.size()), false);
  for (uint32_t i = 0; i < bits.rows(); ++i) {
    if (values[i] != 0) bits.set(i);
  }
  auto [min, max] = bounds_of(values);
  add(std::move(name), bits.rows(), nullptr, std::move(min), std::move(max), [&](std::string& out) {
    append_bitmap_column(bits, out);
    return ColumnEncoding::kBitmap;
  });
}

void SegmentColumnWriter::doubles(std::string name, std::span<const double> values) {
  auto [min, max] = bounds_of(values);
  add(std::move(name), static_cast<uint32_t>(values.size()), nullptr, std::move(min), std::move(max),
      [&](std::string& out) { return append_double_column(values, out); });
}

void SegmentColumnWriter::texts(std::string name, std::span<const std::string_view> values,
                                DictionaryOrder order, const RowBits* valid) {
  TextBounds bounds;
  add(std::move(name), static_cast<uint32_t>(values.size()), valid, {}, {},
      [&](std::string& out) { return append_text_column(values, {codec_, order}, out, &bounds); });
  if (values.empty()) return;
  SegmentColumnInfo& info = segment_.info.columns.back();
  info.min = least_text(bounds.min);
  info.max = greatest_text(bounds.max);
}

void SegmentColumnWriter::raw(std::string name, std::span<const std::string_view> values) {
  add(std::move(name), static_cast<uint32_t>(values.size()), nullptr, {}, {},
      [&](std::string& out) { return append_text_column(values, {codec_, DictionaryOrder::kBytes}, out); });
}

}  // namespace eventd::engine
