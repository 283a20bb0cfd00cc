#include "engine/exec/packed_keys.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <utility>

#include "engine/exec/group_table.h"
#include "engine/exec/sort_prefix.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

/// More distinct values are not worth their table.
constexpr size_t kPlacesMin = 4096, kPlacesMax = 1U << 16;
constexpr uint32_t kDigitBits = 11;
/// Fewer entries are sorted sooner by comparing.
constexpr size_t kRadixRowsMin = 4096;

bool packed_before(const SortEntry& a, const SortEntry& b) {
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  return a.batch != b.batch ? a.batch < b.batch : a.row < b.row;
}

template <class T>
std::vector<VectorView<T>> views_of(const std::vector<std::vector<Vector>>& keys, size_t key) {
  std::vector<VectorView<T>> views;
  views.reserve(keys.size());
  for (const std::vector<Vector>& batch : keys) views.emplace_back(batch[key]);
  return views;
}

void radix_sort(std::vector<SortEntry>& entries, uint32_t bits) {
  std::vector<SortEntry> other(entries.size());
  for (uint32_t shift = 0; shift < bits; shift += kDigitBits) {
    constexpr uint64_t kMask = (uint64_t{1} << kDigitBits) - 1;
    std::array<size_t, size_t{1} << kDigitBits> next{};
    for (const SortEntry& entry : entries) ++next[entry.prefix >> shift & kMask];
    size_t start = 0;
    for (size_t& place : next) start += std::exchange(place, start);
    for (const SortEntry& entry : entries) other[next[entry.prefix >> shift & kMask]++] = entry;
    entries.swap(other);
  }
}

}  // namespace

bool PackedKeys::fit_number(size_t key, const std::vector<SortEntry>& entries, Field& field) const {
  const Oid type = order_.key_order(key).type;
  uint64_t least = ~uint64_t{0}, greatest = 0;
  dispatch_physical(physical_of(type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto views = views_of<T>(keys_, key);
    for (const SortEntry& entry : entries) {
      const VectorView<T>& values = views[entry.batch];
      if (!values.valid(entry.row)) {
        field.some_null = true;
        continue;
      }
      const uint64_t value = prefix_of<T>(type, values[entry.row]);
      least = std::min(least, value);
      greatest = std::max(greatest, value);
    }
  });
  if (least > greatest) least = greatest = 0;  // all NULL
  field.least = least;
  field.greatest = greatest;
  const uint64_t span = greatest - least;
  if (span >= ~uint64_t{0} - 1) return false;
  field.bits = static_cast<uint32_t>(std::bit_width(span + (field.some_null ? 1 : 0)));
  return true;
}

bool PackedKeys::fit_places(size_t key, size_t entries, Field& field) const {
  field.by_place = true;
  const Oid type = order_.key_order(key).type;
  GroupTable table({type});
  field.groups.resize(first_rows_.back());
  for (size_t b = 0; b < keys_.size(); ++b) {
    table.find_or_add(std::span<const Vector>(&keys_[b][key], 1), keys_[b][key].size(),
                      field.groups.data() + first_rows_[b]);
    if (table.group_count() > std::clamp<size_t>(entries / 2, kPlacesMin, kPlacesMax)) return false;
  }
  std::vector<Vector> values;
  for (uint32_t chunk = 0; chunk < table.chunk_count(); ++chunk) {
    values.push_back(table.keys_of_chunk(chunk)[0]);
  }
  std::vector<uint32_t> sorted(table.group_count());
  std::iota(sorted.begin(), sorted.end(), 0);
  const auto order_groups = [&](uint32_t a, uint32_t b) {
    return order_.compare_one(key, values[a / kBatchRows], a % kBatchRows, values[b / kBatchRows], b % kBatchRows);
  };
  std::sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return order_groups(a, b) < 0; });
  field.places.resize(sorted.size());
  uint32_t place = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && order_groups(sorted[i - 1], sorted[i]) != 0) ++place;
    field.places[sorted[i]] = place;
  }
  field.bits = static_cast<uint32_t>(std::bit_width(place));
  return true;
}

bool PackedKeys::fit(const std::vector<SortEntry>& entries) {
  first_rows_.assign(1, 0);
  for (const std::vector<Vector>& batch : keys_) first_rows_.push_back(first_rows_.back() + batch[0].size());
  bits_ = 0;
  fields_.clear();
  for (size_t k = 0; k < order_.size(); ++k) {
    const SortOrder::KeyOrder key = order_.key_order(k);
    if (key.eql_order) return false;
    Field field;
    const bool fits = prefix_is_whole(key.type) ? fit_number(k, entries, field) : fit_places(k, entries.size(), field);
    if (!fits) return false;
    bits_ += field.bits;
    if (bits_ > 64) return false;
    fields_.push_back(std::move(field));
  }
  return true;
}

void PackedKeys::add_field(size_t key, const Field& field, std::vector<SortEntry>& entries) const {
  const auto add = [bits = field.bits](SortEntry& entry, uint64_t code) {
    entry.prefix = (bits >= 64 ? 0 : entry.prefix << bits) | code;
  };
  if (field.by_place) {
    for (SortEntry& entry : entries) add(entry, field.places[field.groups[first_rows_[entry.batch] + entry.row]]);
    return;
  }
  const SortOrder::KeyOrder order = order_.key_order(key);
  const uint64_t null_code = order.nulls_first ? 0 : field.greatest - field.least + 1;
  const uint64_t first = order.nulls_first && field.some_null ? 1 : 0;
  dispatch_physical(physical_of(order.type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto views = views_of<T>(keys_, key);
    for (SortEntry& entry : entries) {
      const VectorView<T>& values = views[entry.batch];
      if (!values.valid(entry.row)) {
        add(entry, null_code);
        continue;
      }
      const uint64_t value = prefix_of<T>(order.type, values[entry.row]);
      add(entry, (order.descending ? field.greatest - value : value - field.least) + first);
    }
  });
}

void PackedKeys::sort(std::vector<SortEntry>& entries, bool buffer) const {
  for (SortEntry& entry : entries) entry.prefix = entry.rank = 0;
  for (size_t k = 0; k < fields_.size(); ++k) add_field(k, fields_[k], entries);
  if (buffer && entries.size() >= kRadixRowsMin) {
    radix_sort(entries, bits_);
  } else {
    std::sort(entries.begin(), entries.end(), packed_before);
  }
}

size_t PackedKeys::memory_bytes() const {
  size_t bytes = first_rows_.capacity() * sizeof(uint32_t);
  for (const Field& field : fields_) bytes += (field.groups.capacity() + field.places.capacity()) * sizeof(uint32_t);
  return bytes;
}

}  // namespace eventd::engine
