#include "engine/exec/value_set.h"

#include <bit>
#include <memory>

#include "engine/functions/function.h"

namespace eventd::engine {

ValueSet::ValueSet(Vector values) : values_(std::move(values)) {
  const uint32_t count = values_.size();
  hashes_.resize(count);
  hash_vector(values_, hashes_.data(), count, false);
  slots_.resize(std::bit_ceil(size_t{count} * 2 + 2));
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < count; ++i) {
    size_t slot = hashes_[i] & mask;
    bool known = false;
    while (slots_[slot] != 0 && !known) {
      const uint32_t other = slots_[slot] - 1;
      known = hashes_[other] == hashes_[i] && values_equal(values_, other, values_, i);
      slot = (slot + 1) & mask;
    }
    if (!known) slots_[slot] = i + 1;
  }
}

void ValueSet::contains(const Vector& vector, uint8_t* out) const {
  const uint32_t rows = vector.size();
  const auto hashes = std::make_unique_for_overwrite<uint64_t[]>(rows);
  hash_vector(vector, hashes.get(), rows, false);
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < rows; ++i) {
    out[i] = 0;
    if (vector.is_null(i)) continue;
    for (size_t slot = hashes[i] & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
      const uint32_t value = slots_[slot] - 1;
      if (hashes_[value] == hashes[i] && values_equal(values_, value, vector, i)) {
        out[i] = 1;
        break;
      }
    }
  }
}

}  // namespace eventd::engine
