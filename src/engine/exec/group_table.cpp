#include "engine/exec/group_table.h"

#include <algorithm>
#include <cstring>

#include "engine/functions/function.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

constexpr uint32_t kNone = GroupTable::kNoGroup;
constexpr size_t kFirstSlots = 256;
constexpr size_t kLargeSlots = size_t{1} << 16;
constexpr uint32_t kChunkShift = 11;
static_assert((1U << kChunkShift) == kBatchRows);
/// Larger dictionaries don't get a table of their ids.
constexpr uint32_t kDictionaryCacheMax = 1U << 20;

uint64_t mix(uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93U;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93U;
  return value ^ value >> 32;
}

bool equals_bytewise(Oid type) {
  return type == oid::kText || type == oid::kVarchar || type == oid::kName || type == oid::kBytea ||
         type == oid::kJson || type == oid::kUnknown;
}

bool equals_as_integer(Physical physical) {
  return physical == Physical::kBool || physical == Physical::kInt16 ||
         physical == Physical::kInt32 || physical == Physical::kInt64;
}

template <class T>
constexpr bool kIntegerLike = std::is_integral_v<T>;

}  // namespace

GroupTable::GroupTable(std::vector<Oid> key_types) {
  for (const Oid type : key_types) {
    const Physical physical = physical_of(type);
    const Compare compare = equals_as_integer(physical) ? Compare::kFixed
                            : equals_bytewise(type)     ? Compare::kBytes
                                                        : Compare::kGeneric;
    columns_.push_back({type, physical, compare, false, {}});
  }
  slots_.resize(kFirstSlots);
}

void GroupTable::find_or_add(std::span<const Vector> keys, uint32_t rows, uint32_t* groups) {
  if (columns_.size() == 1) {
    const Vector& key = keys[0];
    if (key.form() == Vector::Form::kConstant && rows > 1) {
      Vector one = key;
      one.set_size(1);
      uint32_t group = 0;
      find_or_add_hashed(std::span<const Vector>(&one, 1), 1, &group);
      std::fill_n(groups, rows, group);
      return;
    }
    if (key.form() == Vector::Form::kDictionary && find_or_add_dictionary(key, rows, groups)) return;
    if (columns_[0].compare == Compare::kFixed) {
      dispatch_physical(columns_[0].physical, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (kIntegerLike<T>) find_or_add_fixed<T>(key, rows, groups);
      });
      return;
    }
  }
  find_or_add_hashed(keys, rows, groups);
}

bool GroupTable::find_or_add_dictionary(const Vector& key, uint32_t rows, uint32_t* groups) {
  const void* identity = key.values_identity();
  const uint32_t values = key.dictionary_values().size();
  if (cache_.groups.empty() || cache_.dictionary.values_identity() != identity) {
    // A selection over a flat column looks like a dictionary too. Only one that is smaller than
    // the batch, or comes again, is worth a table.
    const bool worth = values <= rows / 2 || (identity == last_dictionary_ && values <= kDictionaryCacheMax);
    last_dictionary_ = identity;
    if (!worth) return false;
    cache_.dictionary = key;
    cache_.groups.assign(values, kNone);
  }
  const uint32_t* ids = key.dictionary_ids();
  uint32_t* known = cache_.groups.data();
  cache_.missing.clear();
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t group = known[ids[i]];
    groups[i] = group;
    if (group == kNone) [[unlikely]] cache_.missing.push_back(i);
  }
  for (const uint32_t row : cache_.missing) {
    uint32_t& group = known[ids[row]];
    if (group == kNone) {
      const Vector one = Vector::repeat(key, row, 1);
      find_or_add_hashed(std::span<const Vector>(&one, 1), 1, &group);
    }
    groups[row] = group;
  }
  return true;
}

template <class T>
void GroupTable::find_or_add_fixed(const Vector& key, uint32_t rows, uint32_t* groups) {
  const VectorView<T> values = key.view<T>();
  const bool all_valid = values.all_valid();
  for (uint32_t i = 0; i < rows; ++i) {
    const bool valid = all_valid || values.valid(i);
    const T value = valid ? values[i] : T{};
    const uint64_t hash = valid ? mix(static_cast<uint64_t>(static_cast<int64_t>(value)) + 1) : 0;
    const uint32_t tag = static_cast<uint32_t>(hash >> 32);
    const size_t mask = slots_.size() - 1;
    size_t slot = hash & mask;
    uint32_t group = kNone;
    while (slots_[slot].group_plus_1 != 0) {
      if (slots_[slot].tag == tag) {
        const uint32_t candidate = slots_[slot].group_plus_1 - 1;
        Vector& chunk = columns_[0].chunks[candidate >> kChunkShift];
        const uint32_t at = candidate & (kBatchRows - 1);
        const bool candidate_null = chunk.is_null(at);
        if (valid ? !candidate_null && chunk.data<T>()[at] == value : candidate_null) {
          group = candidate;
          break;
        }
      }
      slot = (slot + 1) & mask;
    }
    if (group == kNone && !frozen_) {
      group = add_group(std::span<const Vector>(&key, 1), i);
      group_hashes_.push_back(hash);
      slots_[slot] = {group + 1, tag};
      grow_if_full();
    }
    groups[i] = group;
  }
}

void GroupTable::find_or_add_hashed(std::span<const Vector> keys, uint32_t rows, uint32_t* groups) {
  if (columns_.size() == 1 && columns_[0].compare == Compare::kFixed) {
    // One hash a table: the dictionary's way in must meet the fixed one's.
    dispatch_physical(columns_[0].physical, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (kIntegerLike<T>) find_or_add_fixed<T>(keys[0], rows, groups);
    });
    return;
  }
  hashes_.resize(rows);
  if (columns_.empty()) std::fill_n(hashes_.begin(), rows, uint64_t{0});
  for (size_t c = 0; c < columns_.size(); ++c) hash_vector(keys[c], hashes_.data(), rows, c > 0);
  find_likely(keys, rows, groups);
  for (uint32_t i = 0; i < rows; ++i) {
    if (groups[i] != kNone) continue;
    const uint64_t hash = hashes_[i];
    const uint32_t tag = static_cast<uint32_t>(hash >> 32);
    const size_t mask = slots_.size() - 1;
    size_t slot = hash & mask;
    uint32_t group = kNone;
    while (slots_[slot].group_plus_1 != 0) {
      if (slots_[slot].tag == tag && equal(slots_[slot].group_plus_1 - 1, keys, i)) {
        group = slots_[slot].group_plus_1 - 1;
        break;
      }
      slot = (slot + 1) & mask;
    }
    if (group == kNone && !frozen_) {
      group = add_group(keys, i);
      group_hashes_.push_back(hash);
      slots_[slot] = {group + 1, tag};
      grow_if_full();
    }
    groups[i] = group;
  }
}

void GroupTable::find_likely(std::span<const Vector> keys, uint32_t rows, uint32_t* groups) const {
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t tag = static_cast<uint32_t>(hashes_[i] >> 32);
    size_t slot = hashes_[i] & mask;
    while (slots_[slot].group_plus_1 != 0 && slots_[slot].tag != tag) slot = (slot + 1) & mask;
    groups[i] = slots_[slot].group_plus_1 - 1;  // kNoGroup of an empty slot
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    dispatch_physical(columns_[c].physical, [&](auto type) {
      take_back_unequal<typename decltype(type)::type>(columns_[c], keys[c], rows, groups);
    });
  }
}

template <class T>
void GroupTable::take_back_unequal(const KeyColumn& column, const Vector& key, uint32_t rows, uint32_t* groups) const {
  const VectorView<T> values = key.view<T>();
  const bool may_be_null = column.some_null || !values.all_valid();
  // Of numbers as text, most are equal byte by byte; 1.0 and 1.00 are left to the function.
  constexpr bool kIsBytes = std::is_same_v<T, StringRef>;
  const bool ask = kIsBytes ? column.compare != Compare::kBytes && column.type != oid::kNumeric
                            : !kIntegerLike<T> && !std::is_same_v<T, UuidValue>;
  for (uint32_t i = 0; i < rows; ++i) {
    if (groups[i] == kNone) continue;
    const Vector& chunk = column.chunks[groups[i] >> kChunkShift];
    const uint32_t at = groups[i] & (kBatchRows - 1);
    bool same = true;
    if (may_be_null && (!values.valid(i) || chunk.is_null(at))) {
      same = !values.valid(i) && chunk.is_null(at);
    } else if (ask) {
      same = values_equal(chunk, at, key, i);
    } else if constexpr (kIsBytes) {
      same = chunk.view<T>()[at].view() == values[i].view();
    } else if constexpr (std::is_same_v<T, UuidValue>) {
      same = std::memcmp(chunk.view<T>()[at].bytes, values[i].bytes, sizeof(values[i].bytes)) == 0;
    } else if constexpr (kIntegerLike<T>) {
      same = chunk.view<T>()[at] == values[i];
    }
    if (!same) groups[i] = kNone;
  }
}

bool GroupTable::equal(uint32_t group, std::span<const Vector> keys, uint32_t row) const {
  const uint32_t at = group & (kBatchRows - 1);
  for (size_t c = 0; c < columns_.size(); ++c) {
    const KeyColumn& column = columns_[c];
    const Vector& chunk = column.chunks[group >> kChunkShift];
    const bool null = keys[c].is_null(row);
    if (null != chunk.is_null(at)) return false;
    if (null) continue;
    bool same;
    if (column.compare == Compare::kBytes) {
      same = keys[c].view<StringRef>()[row].view() == chunk.view<StringRef>()[at].view();
    } else {
      same = values_equal(chunk, at, keys[c], row);
    }
    if (!same) return false;
  }
  return true;
}

uint32_t GroupTable::add_group(std::span<const Vector> keys, uint32_t row) {
  const uint32_t group = group_count_++;
  const uint32_t at = group & (kBatchRows - 1);
  for (size_t c = 0; c < columns_.size(); ++c) {
    KeyColumn& column = columns_[c];
    if (at == 0) {
      if (!column.chunks.empty()) full_chunks_bytes_ += column.chunks.back().memory_bytes();
      column.chunks.push_back(Vector::flat(column.type, kBatchRows));
    }
    Vector& chunk = column.chunks.back();
    const bool null = keys[c].is_null(row);
    if (null) {
      chunk.set_null(at);
      column.some_null = true;
    }
    dispatch_physical(column.physical, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if (null) {
        chunk.data<T>()[at] = T{};
      } else if constexpr (std::is_same_v<T, StringRef>) {
        chunk.set_string(at, keys[c].view<T>()[row].view());
      } else {
        chunk.data<T>()[at] = keys[c].view<T>()[row];
      }
    });
  }
  return group;
}

void GroupTable::grow_if_full() {
  if (size_t{group_count_} * 2 > slots_.size()) grow();
}

size_t GroupTable::grown_slots() const {
  // Large tables in smaller steps: memory is asked for before.
  return slots_.size() * (slots_.size() < kLargeSlots ? 4 : 2);
}

size_t GroupTable::growth_bytes(uint32_t rows) const {
  size_t bytes = 0;
  if ((size_t{group_count_} + rows) * 2 > slots_.size()) bytes += grown_slots() * sizeof(Slot);
  if (group_hashes_.size() + rows > group_hashes_.capacity()) {
    bytes += (group_hashes_.capacity() + rows) * sizeof(uint64_t);
  }
  if (group_count_ % kBatchRows + rows > kBatchRows || group_count_ == 0) {
    for (const KeyColumn& column : columns_) bytes += kBatchRows * physical_size(column.physical);
  }
  return bytes;
}

void GroupTable::grow() {
  std::vector<Slot> slots(grown_slots());
  const size_t mask = slots.size() - 1;
  for (uint32_t group = 0; group < group_count_; ++group) {
    const uint64_t hash = group_hashes_[group];
    size_t slot = hash & mask;
    while (slots[slot].group_plus_1 != 0) slot = (slot + 1) & mask;
    slots[slot] = {group + 1, static_cast<uint32_t>(hash >> 32)};
  }
  slots_ = std::move(slots);
}

std::vector<Vector> GroupTable::keys_of_chunk(uint32_t chunk) const {
  std::vector<Vector> keys;
  const uint32_t rows = std::min(kBatchRows, group_count_ - chunk * kBatchRows);
  for (const KeyColumn& column : columns_) {
    keys.push_back(column.chunks[chunk]);
    keys.back().set_size(rows);
  }
  return keys;
}

size_t GroupTable::memory_bytes() const {
  size_t bytes = slots_.capacity() * sizeof(Slot) + group_hashes_.capacity() * sizeof(uint64_t) +
                 cache_.groups.capacity() * sizeof(uint32_t);
  bytes += full_chunks_bytes_;
  for (const KeyColumn& column : columns_) {
    if (!column.chunks.empty()) bytes += column.chunks.back().memory_bytes();
  }
  return bytes;
}

}  // namespace eventd::engine
