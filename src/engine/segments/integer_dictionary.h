// Integers of few values that lie far apart: the distinct values, ascending, and for each row its value's
// place among them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/segments/id_column.h"

namespace eventd::engine {

/// What such a column would hold.
struct IntegerDictionaryPlan {
  std::vector<int64_t> entries;  ///< ascending
  std::vector<int64_t> ids;
  size_t size = 0;  ///< bytes that append_integer_dictionary will write, about
};

/// Nothing when there are more than `entries_max` distinct values.
std::optional<IntegerDictionaryPlan> plan_integer_dictionary(std::span<const int64_t> values,
                                                             size_t entries_max);

void append_integer_dictionary(const IntegerDictionaryPlan& plan, std::string& out);

/// Reads such a column. Immutable; any thread may decode.
class IntegerDictionary {
 public:
  /// XX001 when the bytes are no such column of `rows` values.
  static Result<IntegerDictionary> open(ByteSpan column, uint32_t rows);

  const std::vector<int64_t>& entries() const { return entries_; }
  const IdColumn& ids() const { return ids_; }
  /// XX001 when an id has no entry. Room for kColumnBlockRows values.
  Status decode(uint32_t block, int64_t* out) const;

 private:
  std::vector<int64_t> entries_;
  IdColumn ids_;
};

}  // namespace eventd::engine
