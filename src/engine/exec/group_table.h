// Rows → groups: the hash table under GROUP BY, DISTINCT and DISTINCT aggregates.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// Numbers groups 0, 1, 2 … in the order they are first seen. Two NULLs are one group; otherwise
/// values are one group when `=` of their type says so. Owned by one thread at a time.
class GroupTable {
 public:
  explicit GroupTable(std::vector<Oid> key_types);

  /// The group of each row. `keys` has one vector for each key type, `rows` long.
  void find_or_add(std::span<const Vector> keys, uint32_t rows, uint32_t* groups);
  /// From now on (or no longer) keys not seen before get kNoGroup instead of a group.
  static constexpr uint32_t kNoGroup = ~uint32_t{0};
  void set_frozen(bool frozen) { frozen_ = frozen; }
  uint32_t group_count() const { return group_count_; }
  /// Keys of the groups [chunk · kBatchRows, …): one vector a key, without copying.
  std::vector<Vector> keys_of_chunk(uint32_t chunk) const;
  uint32_t chunk_count() const { return (group_count_ + kBatchRows - 1) / kBatchRows; }
  size_t memory_bytes() const;
  /// What memory_bytes() grows by at most, besides the bytes of strings, when `rows` keys are new.
  size_t growth_bytes(uint32_t rows) const;

 private:
  /// How keys of one column are stored and compared.
  enum class Compare : uint8_t { kFixed, kBytes, kGeneric };
  struct KeyColumn {
    Oid type;
    Physical physical;
    Compare compare;
    bool some_null;
    std::vector<Vector> chunks;  // Flat, kBatchRows each
  };
  struct Slot {
    uint32_t group_plus_1 = 0;
    uint32_t tag = 0;  // upper half of the hash
  };
  /// Groups of the values of one dictionary, filled as its ids are met. The vector keeps the
  /// dictionary alive, so that its identity stays its own.
  struct DictionaryCache {
    Vector dictionary;
    std::vector<uint32_t> groups;
    std::vector<uint32_t> missing;
  };

  void find_or_add_hashed(std::span<const Vector> keys, uint32_t rows, uint32_t* groups);
  bool find_or_add_dictionary(const Vector& key, uint32_t rows, uint32_t* groups);
  template <class T>
  void find_or_add_fixed(const Vector& key, uint32_t rows, uint32_t* groups);
  /// The group whose hash has the row's tag first, taken back where a key differs: most rows are
  /// found column by column. kNoGroup for the others, known or not.
  void find_likely(std::span<const Vector> keys, uint32_t rows, uint32_t* groups) const;
  template <class T>
  void take_back_unequal(const KeyColumn& column, const Vector& key, uint32_t rows, uint32_t* groups) const;
  bool equal(uint32_t group, std::span<const Vector> keys, uint32_t row) const;
  uint32_t add_group(std::span<const Vector> keys, uint32_t row);
  void grow_if_full();
  void grow();
  size_t grown_slots() const;

  std::vector<KeyColumn> columns_;
  std::vector<Slot> slots_;
  std::vector<uint64_t> group_hashes_;
  std::vector<uint64_t> hashes_;
  uint32_t group_count_ = 0;
  bool frozen_ = false;
  size_t full_chunks_bytes_ = 0;
  DictionaryCache cache_;
  const void* last_dictionary_ = nullptr;
};

}  // namespace eventd::engine
