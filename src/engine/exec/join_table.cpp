#include "engine/exec/join_table.h"

#include <algorithm>
#include <bit>

#include "engine/functions/function.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

constexpr uint32_t kUnknown = JoinTable::kNone - 1;
constexpr uint32_t kProbeCacheMax = 1U << 20;

std::vector<Oid> kept_key_types(const JoinTableLayout& layout) {
  std::vector<Oid> types;
  for (size_t k = 0; k < layout.key_types.size(); ++k) {
    if (layout.key_columns[k] < 0) types.push_back(layout.key_types[k]);
  }
  return types;
}

bool is_fixed_integer(Physical physical) {
  return physical == Physical::kBool || physical == Physical::kInt16 ||
         physical == Physical::kInt32 || physical == Physical::kInt64;
}

bool compares_bytewise(Oid type) {
  return type == oid::kText || type == oid::kVarchar || type == oid::kName || type == oid::kBytea;
}

uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

JoinTable::JoinTable(const JoinTableLayout& layout)
    : layout_(&layout), store_(layout.column_types), key_store_(kept_key_types(layout)) {}

bool JoinTable::has_null(std::span<const Vector> keys, uint32_t row) const {
  for (size_t k = 0; k < keys.size(); ++k) {
    if (layout_->nulls_equal[k] == 0 && keys[k].is_null(row)) return true;
  }
  return false;
}

Status JoinTable::add(const std::vector<Vector>& columns, std::span<const Vector> keys, uint32_t rows) {
  std::vector<Vector> kept;
  for (size_t k = 0; k < keys.size(); ++k) {
    if (layout_->key_columns[k] < 0) kept.push_back(keys[k]);
  }
  std::vector<uint32_t> ids;
  if (!layout_->keep_unmatchable) {
    for (uint32_t i = 0; i < rows; ++i) {
      if (!has_null(keys, i)) ids.push_back(i);
    }
    if (ids.size() < rows) {
      const auto count = static_cast<uint32_t>(ids.size());
      RETURN_IF_ERROR(store_.append(columns, ids.data(), count));
      return key_store_.append(kept, ids.data(), count);
    }
  }
  RETURN_IF_ERROR(store_.append(columns, rows));
  return key_store_.append(kept, rows);
}

Batch JoinTable::stored_batch(uint32_t first, uint32_t count) const {
  Batch batch;
  batch.size = count;
  for (size_t c = 0; c < store_.column_count(); ++c) {
    batch.columns.push_back(store_.column(c).slice(first, count));
  }
  return batch;
}

Status JoinTable::absorb(const JoinTable& other) {
  RETURN_IF_ERROR(store_.absorb(other.store_));
  return key_store_.absorb(other.key_store_);
}

size_t JoinTable::memory_bytes() const {
  return store_.memory_bytes() + key_store_.memory_bytes() + slots_.capacity() * sizeof(Slot) +
         next_.capacity() * sizeof(uint32_t);
}

size_t JoinTable::table_bytes_expected() const {
  if (layout_->key_types.empty()) return 0;
  const size_t rows = store_.size();
  return std::bit_ceil(rows * 2 + 2) * sizeof(Slot) + rows * (sizeof(uint32_t) + sizeof(uint64_t));
}

Status JoinTable::finish(const CancelToken* cancel) {
  rows_ = store_.size();
  if (layout_->null_row) {
    ASSIGN_OR_RETURN(const uint32_t row, store_.append_nulls());
    static_cast<void>(row);
  }
  store_.seal();
  key_store_.seal();
  for (size_t c = 0; c < store_.column_count(); ++c) columns_.push_back(store_.column(c));
  size_t kept = 0;
  for (const int column : layout_->key_columns) {
    keys_.push_back(column >= 0 ? columns_[static_cast<size_t>(column)] : key_store_.column(kept++));
  }
  if (keys_.empty()) return {};
  std::vector<uint64_t> hashes(rows_);
  for (size_t k = 0; k < keys_.size(); ++k) {
    keys_[k].set_type(layout_->key_types[k]);
    hash_vector(keys_[k], hashes.data(), rows_, k > 0);
    if (cancel != nullptr) RETURN_IF_ERROR(cancel->check());
  }
  slots_.resize(std::bit_ceil(size_t{rows_} * 2 + 2));
  next_.assign(rows_, kNone);
  // From the last row on: so that rows of equal keys are found in their order.
  for (uint32_t row = rows_; row-- > 0;) {
    if ((row & 0xffff) == 0 && cancel != nullptr) RETURN_IF_ERROR(cancel->check());
    if (layout_->keep_unmatchable && has_null(keys_, row)) continue;
    insert(row, hashes[row]);
  }
  return {};
}

void JoinTable::insert(uint32_t row, uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot].row_plus_1 != 0) {
    if (slots_[slot].tag == tag_of(hash) && equal(slots_[slot].row_plus_1 - 1, keys_, row)) {
      next_[row] = slots_[slot].row_plus_1 - 1;
      break;
    }
    slot = (slot + 1) & mask;
  }
  slots_[slot] = {row + 1, tag_of(hash)};
}

bool JoinTable::equal(uint32_t build_row, std::span<const Vector> keys, uint32_t row) const {
  for (size_t k = 0; k < keys_.size(); ++k) {
    const Vector& own = keys_[k];
    const bool null = keys[k].is_null(row);
    if (null != own.is_null(build_row)) return false;
    if (null) continue;
    if (compares_bytewise(layout_->key_types[k])) {
      if (own.view<StringRef>()[build_row].view() != keys[k].view<StringRef>()[row].view()) return false;
    } else if (!values_equal(own, build_row, keys[k], row)) {
      return false;
    }
  }
  return true;
}

void JoinTable::probe(std::span<const Vector> keys, uint32_t rows, ProbeCache& cache,
                      uint32_t* first) const {
  if (keys.size() == 1) {
    const Vector& key = keys[0];
    if (key.form() == Vector::Form::kConstant && rows > 1) {
      Vector one = key;
      one.set_size(1);
      uint32_t found = kNone;
      probe_hashed(std::span<const Vector>(&one, 1), 1, cache, &found);
      std::fill_n(first, rows, found);
      return;
    }
    if (key.form() == Vector::Form::kDictionary && probe_dictionary(key, rows, cache, first)) return;
  }
  probe_hashed(keys, rows, cache, first);
}

bool JoinTable::probe_dictionary(const Vector& key, uint32_t rows, ProbeCache& cache,
                                 uint32_t* first) const {
  const void* identity = key.values_identity();
  const uint32_t values = key.dictionary_values().size();
  if (cache.firsts.empty() || cache.dictionary.values_identity() != identity) {
    // A selection over a flat column looks like a dictionary too: as in GroupTable.
    const bool worth = values <= rows / 2 || (identity == cache.last && values <= kProbeCacheMax);
    cache.last = identity;
    if (!worth) return false;
    cache.dictionary = key;
    cache.firsts.assign(values, kUnknown);
  }
  const uint32_t* ids = key.dictionary_ids();
  for (uint32_t i = 0; i < rows; ++i) {
    uint32_t& known = cache.firsts[ids[i]];
    if (known == kUnknown) {
      const Vector one = Vector::repeat(key, i, 1);
      probe_hashed(std::span<const Vector>(&one, 1), 1, cache, &known);
    }
    first[i] = known;
  }
  return true;
}

template <class T>
void JoinTable::probe_fixed(const Vector& key, uint32_t rows, const uint64_t* hashes,
                            uint32_t* first) const {
  const VectorView<T> values = key.view<T>();
  const VectorView<T> own = keys_[0].view<T>();
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < rows; ++i) {
    first[i] = kNone;
    if (!values.valid(i)) continue;
    const T value = values[i];
    for (size_t slot = hashes[i] & mask; slots_[slot].row_plus_1 != 0; slot = (slot + 1) & mask) {
      const uint32_t row = slots_[slot].row_plus_1 - 1;
      if (slots_[slot].tag == tag_of(hashes[i]) && own[row] == value) {
        first[i] = row;
        break;
      }
    }
  }
}

void JoinTable::probe_hashed(std::span<const Vector> keys, uint32_t rows, ProbeCache& cache,
                             uint32_t* first) const {
  cache.hashes.resize(std::max<size_t>(cache.hashes.size(), rows));
  uint64_t* hashes = cache.hashes.data();
  for (size_t k = 0; k < keys.size(); ++k) hash_vector(keys[k], hashes, rows, k > 0);
  const Physical physical = physical_of(layout_->key_types[0]);
  if (keys.size() == 1 && layout_->nulls_equal[0] == 0 && is_fixed_integer(physical)) {
    dispatch_physical(physical, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>) probe_fixed<T>(keys[0], rows, hashes, first);
    });
    return;
  }
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < rows; ++i) {
    first[i] = kNone;
    if (has_null(keys, i)) continue;
    for (size_t slot = hashes[i] & mask; slots_[slot].row_plus_1 != 0; slot = (slot + 1) & mask) {
      const uint32_t row = slots_[slot].row_plus_1 - 1;
      if (slots_[slot].tag == tag_of(hashes[i]) && equal(row, keys, i)) {
        first[i] = row;
        break;
      }
    }
  }
}

}  // namespace eventd::engine
