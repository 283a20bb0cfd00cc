// Doubles that are decimals of few digits, as integers: x is kept as round(x · 10^e) where dividing that
// by 10^e gives x again, bit for bit; other values are listed beside.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/segments/integer_column.h"

namespace eventd::engine {

/// What such a column would hold.
struct DecimalDoublesPlan {
  std::vector<int64_t> scaled;      ///< of an exception: what the value before it has
  std::vector<int64_t> exceptions;  ///< rows, ascending
  uint8_t exponent = 0;
};

/// Nothing when more than one value in eight would be an exception.
std::optional<DecimalDoublesPlan> plan_decimal_doubles(std::span<const double> values);

void append_decimal_doubles(const DecimalDoublesPlan& plan, std::span<const double> values,
                            std::string& out);

/// Reads such a column. Borrows its bytes; immutable, any thread may decode.
class DecimalDoubles {
 public:
  static constexpr unsigned kExponentMax = 18;

  /// XX001 when the bytes are no such column of `rows` values.
  static Result<DecimalDoubles> open(ByteSpan column, uint32_t rows);
  /// Room for kColumnBlockRows values. XX001.
  Status decode(uint32_t block, double* out) const;

 private:
  IntegerColumn scaled_;
  std::vector<int64_t> exceptions_;  // rows, ascending
  ByteSpan exception_bits_;
  double divisor_ = 1;
};

}  // namespace eventd::engine
