// The values of a group, kept to be ordered at the end.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/functions/ordering.h"
#include "engine/vector/datum.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

/// Values of one type, no NULLs. Owned by one thread at a time.
class CollectedValues {
 public:
  virtual ~CollectedValues() = default;
  /// REQUIRES: row `row` is no NULL and of this type.
  virtual void add(const Vector& vector, uint32_t row) = 0;
  /// Rows of `vector` to targets[0…rows), all of this one's type; null = the row is left out.
  /// REQUIRES: those rows are no NULLs.
  virtual void add_rows(const Vector& vector, uint32_t rows, CollectedValues* const* targets) const = 0;
  virtual void add_all(const CollectedValues& other) = 0;
  virtual size_t size() const = 0;
  /// The value at `index` in ascending (descending) order. Reorders the values.
  virtual Datum nth(size_t index, bool descending) = 0;
  /// The most frequent value; of several the first in the order. REQUIRES: size() > 0.
  virtual Datum most_frequent(bool descending) = 0;
  virtual size_t memory_bytes() const = 0;

  static std::unique_ptr<CollectedValues> of_type(Oid type);
};

}  // namespace eventd::engine
