// A set of constant values for IN lists.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/vector/vector.h"

namespace eventd::engine {

/// Hash set over a flat vector of values without NULLs, with the equality of grouping (the `=` of
/// the type). Immutable after construction; readable by many threads.
class ValueSet {
 public:
  explicit ValueSet(Vector values);
  /// out[i] = whether row i of `vector` (same type) is in the set; NULL rows are not.
  void contains(const Vector& vector, uint8_t* out) const;
  uint32_t size() const { return values_.size(); }

 private:
  Vector values_;
  std::vector<uint64_t> hashes_;   // of each value
  std::vector<uint32_t> slots_;    // value + 1, 0 = empty
};

}  // namespace eventd::engine
