#include "engine/segments/payload_shredder.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <numeric>

namespace eventd::engine {
namespace {

constexpr uint32_t kRawShape = 0;

bool slots_equal(const std::vector<PayloadSlot>& a, const std::vector<PayloadSlot>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const PayloadSlot& x, const PayloadSlot& y) {
    return x.literal_bytes == y.literal_bytes && x.type == y.type && x.form == y.form;
  });
}

/// Of a shape just parsed, whose slots have no columns yet.
uint64_t shape_hash(const PayloadParser& parser) {
  static_assert(sizeof(PayloadSlot) == 8 && std::has_unique_object_representations_v<PayloadSlot>);
  const uint64_t literals = XXH3_64bits(parser.literals().data(), parser.literals().size());
  return XXH3_64bits_withSeed(parser.slots().data(), parser.slots().size() * sizeof(PayloadSlot), literals);
}

bool comes_twice(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  return std::adjacent_find(paths.begin(), paths.end()) != paths.end();
}

void append_value(PayloadColumnValues& column, const PayloadValue& value) {
  switch (column.key.type) {
    case PayloadColumnType::kInteger:
    case PayloadColumnType::kUnsigned:
    case PayloadColumnType::kBool: column.integers.push_back(static_cast<int64_t>(value.bits)); break;
    case PayloadColumnType::kDouble: column.doubles.push_back(std::bit_cast<double>(value.bits)); break;
    case PayloadColumnType::kText:
    case PayloadColumnType::kRaw: column.texts.push_back(value.text()); break;
  }
}

/// The value as it stood in the payload.
void append_msgpack(const PayloadSlot& slot, const PayloadValue& value, std::string& out) {
  switch (slot.type) {
    case PayloadColumnType::kInteger:
      append_slot_integer(static_cast<int64_t>(value.bits), slot.form, out);
      break;
    case PayloadColumnType::kUnsigned: append_slot_unsigned(value.bits, out); break;
    case PayloadColumnType::kDouble:
      append_slot_double(std::bit_cast<double>(value.bits), slot.form, out);
      break;
    case PayloadColumnType::kBool: out.push_back(value.bits != 0 ? '\xc3' : '\xc2'); break;
    case PayloadColumnType::kText: append_slot_text(value.text(), slot.form, out); break;
    case PayloadColumnType::kRaw: out += value.text(); break;
  }
}

/// Numbers 0 … counts.size()-1, the greatest counts first; equal ones in their order.
std::vector<uint32_t> by_count(const std::vector<uint64_t>& counts) {
  std::vector<uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
  return order;
}

}  // namespace

PayloadShredder::PayloadShredder() {
  parser_.parse_raw({});
  shapes_.push_back({.shape = {{}, parser_.slots()}, .paths = parser_.paths()});
}

void PayloadShredder::add(ByteSpan payload, bool raw) {
  const uint32_t shape = raw ? kRawShape : shape_of(payload);
  if (shape == kRawShape) parser_.parse_raw(payload);
  ++shapes_[shape].rows;
  rows_.push_back({payload, values_.size(), shape});
  values_.insert(values_.end(), parser_.values().begin(), parser_.values().end());
}

bool PayloadShredder::is_shape(const Shape& shape) const {
  return shape.shape.literals == parser_.literals() && slots_equal(shape.shape.slots, parser_.slots());
}

uint32_t PayloadShredder::shape_of(ByteSpan payload) {
  parser_.parse(payload);
  // Neighbours often are of one shape.
  if (is_shape(shapes_[last_shape_])) {
    return shapes_[last_shape_].keeps_bytes ? kRawShape : last_shape_;
  }
  const uint64_t hash = shape_hash(parser_);
  const auto [begin, end] = shapes_by_hash_.equal_range(hash);
  const auto known =
      std::find_if(begin, end, [&](const auto& entry) { return is_shape(shapes_[entry.second]); });
  if (known != end) {
    last_shape_ = known->second;
  } else if (is_shape(shapes_[kRawShape]) || shapes_.size() == kPayloadShapesCountedMax) {
    return kRawShape;
  } else {
    last_shape_ = add_shape(payload, hash);
  }
  return shapes_[last_shape_].keeps_bytes ? kRawShape : last_shape_;
}

uint32_t PayloadShredder::add_shape(ByteSpan payload, uint64_t hash) {
  parser_.parse(payload, /*paths=*/true);
  const auto number = static_cast<uint32_t>(shapes_.size());
  shapes_.push_back({.shape = {parser_.literals(), parser_.slots()},
                     .paths = parser_.paths(),
                     .keeps_bytes = comes_twice(parser_.paths())});
  shapes_by_hash_.emplace(hash, number);
  return number;
}

ShreddedPayloads PayloadShredder::finish() {
  ShreddedPayloads out;
  keep_frequent_shapes(out);
  keep_frequent_columns(out);
  fill(out);
  return out;
}

void PayloadShredder::keep_frequent_shapes(ShreddedPayloads& out) {
  std::vector<uint64_t> counts;
  for (const Shape& shape : shapes_) counts.push_back(shape.rows);
  // Room is kept for the shape of all rows that are left.
  size_t kept = 0;
  std::vector<uint32_t> numbers;
  for (const uint32_t i : by_count(counts)) {
    if (i == kRawShape || counts[i] == 0) continue;
    if (kept == kPayloadShapesMax - 1) break;
    numbers.push_back(i);
    ++kept;
  }
  const uint64_t kept_rows = std::accumulate(numbers.begin(), numbers.end(), uint64_t{0},
                                             [&](uint64_t sum, uint32_t i) { return sum + counts[i]; });
  if (kept_rows < rows_.size()) numbers.push_back(kRawShape);
  for (const uint32_t i : numbers) {
    shapes_[i].number = static_cast<uint32_t>(out.shapes.size());
    out.shapes.push_back(shapes_[i].shape);
  }
}

void PayloadShredder::keep_frequent_columns(ShreddedPayloads& out) {
  std::map<PayloadColumnKey, uint32_t> numbers;
  std::vector<PayloadColumnKey> keys;
  std::vector<uint64_t> counts;
  const auto number_of = [&](const Shape& shape, size_t slot) {
    const auto [found, is_new] = numbers.try_emplace(
        PayloadColumnKey{shape.paths[slot], shape.shape.slots[slot].type}, static_cast<uint32_t>(keys.size()));
    if (is_new) {
      keys.push_back(found->first);
      counts.push_back(0);
    }
    return found->second;
  };
  for (const Shape& shape : shapes_) {
    for (size_t slot = 0; shape.number != UINT32_MAX && slot < shape.shape.slots.size(); ++slot) {
      // Whole payloads must have a column: they have no place among the rest of a row.
      counts[number_of(shape, slot)] += shape.paths[slot].empty() ? rows_.size() : shape.rows;
    }
  }
  std::vector<uint32_t> order = by_count(counts);
  if (order.size() > kPayloadColumnsMax) order.resize(kPayloadColumnsMax);
  std::sort(order.begin(), order.end());
  std::vector<uint16_t> places(keys.size(), kRestColumn);
  for (const uint32_t column : order) {
    places[column] = static_cast<uint16_t>(out.columns.size());
    out.columns.emplace_back().key = keys[column];
  }
  for (Shape& shape : shapes_) {
    for (size_t slot = 0; shape.number != UINT32_MAX && slot < shape.shape.slots.size(); ++slot) {
      const uint16_t place = places[number_of(shape, slot)];
      out.shapes[shape.number].slots[slot].column = place;
      shape.has_rest |= place == kRestColumn;
    }
  }
}

void PayloadShredder::fill(ShreddedPayloads& out) {
  out.shape_ids.reserve(rows_.size());
  for (const Row& row : rows_) {
    const bool kept = shapes_[row.shape].number != UINT32_MAX;
    const Shape& shape = shapes_[kept ? row.shape : kRawShape];
    const PayloadShape& written = out.shapes[shape.number];
    out.shape_ids.push_back(shape.number);
    if (!kept) {
      append_value(out.columns[written.slots[0].column],
                   {0, row.payload.data(), static_cast<uint32_t>(row.payload.size())});
      continue;
    }
    std::string* rest = shape.has_rest ? &out.rest.emplace_back() : nullptr;
    for (size_t i = 0; i < written.slots.size(); ++i) {
      const PayloadSlot& slot = written.slots[i];
      const PayloadValue& value = values_[row.values + i];
      if (slot.column != kRestColumn) {
        append_value(out.columns[slot.column], value);
      } else {
        append_msgpack(slot, value, *rest);
      }
    }
  }
}

}  // namespace eventd::engine
