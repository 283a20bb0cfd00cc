#include "engine/types/big_text.h"

#include <gtest/gtest.h>

#include "interrupt.h"
#include "sqlstate.h"

namespace eventd::engine {
namespace {

using numeric_detail::Big;
using numeric_detail::big_from_digits;
using numeric_detail::big_text;

std::string pseudo_random_digits(size_t count) {
  std::string digits;
  uint32_t state = static_cast<uint32_t>(count);
  while (digits.size() < count) {
    state = state * 1664525 + 1013904223;
    digits += static_cast<char>('0' + (state >> 24) % 10);
  }
  digits[0] = '7';
  return digits;
}

TEST(BigText, AgreesWithTheLibrary) {
  for (const size_t count : {1, 2, 999, 1000, 1001, 1999, 2000, 2001, 4000, 4001, 5003, 16001}) {
    const std::string digits = pseudo_random_digits(count);
    const Big value(digits);
    EXPECT_EQ(big_from_digits(digits), value) << count;
    EXPECT_EQ(big_from_digits("000" + digits), value) << count;
    EXPECT_EQ(big_text(value), digits) << count;
    EXPECT_EQ(big_text(Big(-value)), "-" + digits) << count;
  }
}

TEST(BigText, ZerosWithin) {
  for (const size_t count : {999, 1000, 2000, 2001, 9000}) {
    const std::string power = "1" + std::string(count, '0');
    EXPECT_EQ(big_text(big_from_digits(power)), power);
    const std::string below(count, '9');
    EXPECT_EQ(big_text(Big(big_from_digits(power) - 1)), below);
  }
  EXPECT_EQ(big_from_digits(std::string(3000, '0')), 0);
  EXPECT_EQ(big_text(Big(0)), "0");
}

TEST(BigText, EndsEarlyWhenInterrupted) {
  const std::string digits = pseudo_random_digits(100'000);
  const Big value = big_from_digits(digits);
  const InterruptScope scope({[](const void*) { return Status(sqlstate::kQueryCanceled, "enough"); }, nullptr});
  EXPECT_EQ(big_from_digits(digits), 0);
  EXPECT_EQ(big_text(value), std::string(100'000, '0'));
}

}  // namespace
}  // namespace eventd::engine
