// Sort keys of rows as one number each, where 64 bits are enough for all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/exec/sort_order.h"

namespace eventd::engine {

/// A row to be sorted.
struct SortEntry {
  uint64_t prefix;
  uint32_t rank;
  uint32_t batch;
  uint32_t row;
};

/// Numbers that sort as rows do: a whole number by its distance from the least one, any other value
/// by its place among the distinct ones. Few rows of a database differ in more than 64 such bits, and
/// numbers are sorted without comparing. One thread; `order` and `keys` must outlive it.
class PackedKeys {
 public:
  /// `keys` of each batch.
  PackedKeys(const SortOrder& order, const std::vector<std::vector<Vector>>& keys)
      : order_(order), keys_(keys) {}

  /// Looks at all entries; false if their keys don't fit.
  bool fit(const std::vector<SortEntry>& entries);
  /// Sorts `entries`, of which equal ones stay in the order of batch and row. Their prefix and rank
  /// are no longer those of SortOrder::leading(). With `buffer` it takes the memory of as many
  /// entries once more. REQUIRES: fit(); entries by batch and row.
  void sort(std::vector<SortEntry>& entries, bool buffer) const;
  size_t memory_bytes() const;

 private:
  /// How one key is packed.
  struct Field {
    bool by_place = false;
    uint64_t least = 0, greatest = 0;
    bool some_null = false;
    uint32_t bits = 0;
    std::vector<uint32_t> groups;  // of all rows of all batches
    std::vector<uint32_t> places;  // of the groups
  };
  bool fit_number(size_t key, const std::vector<SortEntry>& entries, Field& field) const;
  bool fit_places(size_t key, size_t entries, Field& field) const;
  void add_field(size_t key, const Field& field, std::vector<SortEntry>& entries) const;

  const SortOrder& order_;
  const std::vector<std::vector<Vector>>& keys_;
  std::vector<uint32_t> first_rows_;  // of each batch
  std::vector<Field> fields_;
  uint32_t bits_ = 0;
};

}  // namespace eventd::engine
