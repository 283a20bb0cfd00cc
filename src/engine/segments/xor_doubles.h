// Doubles of any kind: in each block of 2,048 the bits in which they differ from the first, packed.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/segments/column_format.h"

namespace eventd::engine {

void append_xor_doubles(std::span<const double> values, std::string& out);

/// Reads such a column. Borrows its bytes; immutable, any thread may decode.
class XorDoubles {
 public:
  /// XX001 when the bytes are no such column of `rows` values.
  static Result<XorDoubles> open(ByteSpan column, uint32_t rows);
  /// Room for kColumnBlockRows values. REQUIRES: the block exists.
  void decode(uint32_t block, double* out) const;

 private:
  ByteSpan directory_, data_;
  uint32_t rows_ = 0;
};

}  // namespace eventd::engine
