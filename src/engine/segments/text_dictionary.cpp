#include "engine/segments/text_dictionary.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/segments/integer_column.h"
#include "guid.h"

namespace eventd::engine {
namespace {

/// Distinct texts in the order they come, by open addressing on their hashes.
class DistinctTexts {
 public:
  DistinctTexts(size_t entries_max, size_t bytes_max)
      : entries_max_(entries_max), bytes_max_(bytes_max), places_(1024) {}

  /// The value's number, or -1 when it would be one too many.
  int64_t add(std::string_view value) {
    const uint64_t hash = XXH3_64bits(value.data(), value.size());
    for (size_t at = hash & (places_.size() - 1);; at = (at + 1) & (places_.size() - 1)) {
      const Place& place = places_[at];
      if (place.number == 0) return add_at(at, hash, value);
      if (place.hash == static_cast<uint32_t>(hash >> 32) && values_[place.number - 1] == value) {
        return place.number - 1;
      }
    }
  }
  const std::vector<std::string_view>& values() const { return values_; }
  size_t bytes() const { return bytes_; }

 private:
  struct Place {
    uint32_t number = 0;  // 1-based; 0 = free
    uint32_t hash = 0;    // upper half
  };
  int64_t add_at(size_t at, uint64_t hash, std::string_view value) {
    bytes_ += value.size();
    if (values_.size() == entries_max_ || bytes_ > bytes_max_) return -1;
    values_.push_back(value);
    hashes_.push_back(hash);
    places_[at] = {static_cast<uint32_t>(values_.size()), static_cast<uint32_t>(hash >> 32)};
    if (values_.size() * 2 > places_.size()) grow();
    return static_cast<int64_t>(values_.size()) - 1;
  }
  void grow() {
    places_.assign(places_.size() * 4, {});
    for (size_t i = 0; i < values_.size(); ++i) {
      size_t at = hashes_[i] & (places_.size() - 1);
      while (places_[at].number != 0) at = (at + 1) & (places_.size() - 1);
      places_[at] = {static_cast<uint32_t>(i + 1), static_cast<uint32_t>(hashes_[i] >> 32)};
    }
  }

  const size_t entries_max_, bytes_max_;
  std::vector<Place> places_;
  std::vector<std::string_view> values_;
  std::vector<uint64_t> hashes_;
  size_t bytes_ = 0;
};

std::array<uint8_t, 16> rfc_of(std::string_view bytes) {
  Guid guid;
  std::memcpy(guid.bytes.data(), bytes.data(), guid.bytes.size());
  return guid.rfc_bytes();
}

/// Ends of entries from their lengths; XX001 unless they add up to `bytes`.
Result<std::vector<uint32_t>> entry_ends(ByteSpan column, uint32_t entries, uint32_t bytes) {
  ASSIGN_OR_RETURN(const IntegerColumn lengths, IntegerColumn::open(column, entries));
  ASSIGN_OR_RETURN(const std::vector<int64_t> values, lengths.decode_all());
  std::vector<uint32_t> ends;
  ends.reserve(entries);
  uint32_t end = 0;
  for (const int64_t length : values) {
    if (length < 0 || length > int64_t{bytes - end}) {
      return column_damaged("the entries of a dictionary do not add up");
    }
    end += static_cast<uint32_t>(length);
    ends.push_back(end);
  }
  if (end != bytes) return column_damaged("the entries of a dictionary do not add up");
  return ends;
}

}  // namespace

bool dictionary_less(DictionaryOrder order, std::string_view a, std::string_view b) {
  if (order == DictionaryOrder::kGuid && a.size() == 16 && b.size() == 16) return rfc_of(a) < rfc_of(b);
  return a < b;
}

std::optional<TextDictionaryPlan> plan_text_dictionary(std::span<const std::string_view> values,
                                                       DictionaryOrder order, size_t entries_max,
                                                       size_t bytes_max) {
  DistinctTexts distinct(entries_max, bytes_max);
  TextDictionaryPlan plan;
  plan.ids.reserve(values.size());
  for (const auto& value : values) {
    plan.ids.push_back(distinct.add(value));
    if (plan.ids.back() < 0) return std::nullopt;
  }
  plan.entries_bytes = distinct.bytes();
  std::vector<uint32_t> sorted(distinct.values().size());
  std::iota(sorted.begin(), sorted.end(), 0u);
  std::sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
    return dictionary_less(order, distinct.values()[a], distinct.values()[b]);
  });
  std::vector<int64_t> place(sorted.size());
  plan.entries.reserve(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    place[sorted[i]] = static_cast<int64_t>(i);
    plan.entries.push_back(distinct.values()[sorted[i]]);
  }
  for (int64_t& id : plan.ids) id = place[static_cast<size_t>(id)];
  return plan;
}

void append_text_dictionary(const TextDictionaryPlan& plan, DictionaryOrder order, ByteCodec codec,
                            std::string& out) {
  std::vector<int64_t> lengths;
  std::string raw;
  raw.reserve(plan.entries_bytes);
  for (const auto& entry : plan.entries) {
    lengths.push_back(static_cast<int64_t>(entry.size()));
    raw += entry;
  }
  append_column_header(ColumnEncoding::kTextDictionary, static_cast<uint32_t>(plan.ids.size()), out);
  append_le(out, static_cast<uint8_t>(codec));
  append_le(out, static_cast<uint8_t>(order));
  append_le(out, static_cast<uint32_t>(plan.entries.size()));
  append_le(out, static_cast<uint32_t>(raw.size()));
  append_child(out, [&] { append_integer_column(lengths, out); });
  append_child(out, [&] { append_compressed(codec, as_bytes(raw), out); });
  append_child(out, [&] { append_id_column(plan.ids, out); });
}

Result<TextDictionary> TextDictionary::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kTextDictionary, rows));
  uint8_t codec = 0, order = 0;
  uint32_t entries = 0, raw_bytes = 0;
  ByteSpan lengths, stored, ids;
  if (!reader.read(codec) || !reader.read(order) || !reader.read(entries) || !reader.read(raw_bytes) ||
      entries > rows || raw_bytes > kEntriesBytesMax || !reader.take_sized(lengths) ||
      !reader.take_sized(stored) || !reader.take_sized(ids) ||
      raw_bytes > decompressed_bytes_max(static_cast<ByteCodec>(codec), stored.size())) {
    return column_damaged("a dictionary is cut off");
  }
  TextDictionary dictionary;
  dictionary.order_ = static_cast<DictionaryOrder>(order);
  ASSIGN_OR_RETURN(dictionary.ends_, entry_ends(lengths, entries, raw_bytes));
  dictionary.bytes_.resize(raw_bytes);
  RETURN_IF_ERROR(decompress(static_cast<ByteCodec>(codec), stored, dictionary.bytes_));
  for (uint32_t i = 1; i < entries; ++i) {
    if (!dictionary_less(dictionary.order_, dictionary.entry(i - 1), dictionary.entry(i))) {
      return column_damaged("a dictionary is out of order");
    }
  }
  ASSIGN_OR_RETURN(dictionary.ids_, IdColumn::open(ids, rows, entries));
  return dictionary;
}

uint32_t TextDictionary::lower_bound(std::string_view value) const {
  uint32_t low = 0, high = entries();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (dictionary_less(order_, entry(middle), value)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace eventd::engine
