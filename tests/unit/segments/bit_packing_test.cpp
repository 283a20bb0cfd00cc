#include "engine/segments/bit_packing.h"

#include <gtest/gtest.h>

#include "tests/unit/segments/segment_random.h"

namespace eventd::engine {
namespace {

using segment_tests::SegmentRandom;

/// Packed values with exactly the padding the functions ask for, on the heap.
std::vector<uint8_t> packed(const std::vector<uint64_t>& values, unsigned width) {
  std::string bytes;
  pack_bits(values, width, bytes);
  EXPECT_EQ(bytes.size(), packed_bytes(values.size(), width));
  bytes.append(kPackedPadding, '\xff');
  return {bytes.begin(), bytes.end()};
}

std::vector<uint64_t> random_values(SegmentRandom& random, size_t count, unsigned width) {
  std::vector<uint64_t> values(count);
  for (uint64_t& value : values) value = width == 0 ? 0 : random.next() >> (64 - width);
  return values;
}

TEST(BitPacking, EveryWidthComesBackByBothKernels) {
  SegmentRandom random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t count : {0, 1, 7, 8, 9, 31, 64, 257, 2048}) {
      SCOPED_TRACE(testing::Message() << width << " bits, " << count << " values");
      const auto values = random_values(random, count, width);
      const auto bytes = packed(values, width);
      std::vector<uint64_t> quick(count, 1), scalar(count, 2);
      ASSERT_TRUE(unpack_bits(bytes, width, count, quick.data()));
      ASSERT_TRUE(unpack_bits_scalar(bytes, width, count, scalar.data()));
      ASSERT_EQ(quick, values);
      ASSERT_EQ(scalar, values);
      if (width > 32) continue;
      const std::vector<uint32_t> narrow(values.begin(), values.end());
      std::vector<uint32_t> quick32(count, 1), scalar32(count, 2);
      ASSERT_TRUE(unpack_bits(bytes, width, count, quick32.data()));
      ASSERT_TRUE(unpack_bits_scalar(bytes, width, count, scalar32.data()));
      ASSERT_EQ(quick32, narrow);
      ASSERT_EQ(scalar32, narrow);
    }
  }
}

TEST(BitPacking, OnlyTheLowBitsArePacked) {
  const std::vector<uint64_t> values = {0xffff'fff5, 0xa3, 0x17};
  std::string bytes;
  pack_bits(values, 4, bytes);
  EXPECT_EQ(bytes, std::string("\x35\x07", 2));
}

TEST(BitPacking, RefusesWhatIsTooShortOrTooWide) {
  std::vector<uint64_t> out(100);
  std::vector<uint32_t> out32(100);
  for (unsigned width = 1; width <= 64; ++width) {
    const std::vector<uint8_t> bytes(packed_bytes(100, width) + kPackedPadding - 1);
    EXPECT_FALSE(unpack_bits(bytes, width, 100, out.data())) << width;
    EXPECT_FALSE(unpack_bits_scalar(bytes, width, 100, out.data())) << width;
  }
  const std::vector<uint8_t> bytes(10'000);
  EXPECT_FALSE(unpack_bits(bytes, 65, 10, out.data()));
  EXPECT_FALSE(unpack_bits(bytes, 33, 10, out32.data()));
  EXPECT_FALSE(unpack_bits({}, 0, 10, out.data()));
}

TEST(BitPacking, BitsOf) {
  EXPECT_EQ(bits_of(0), 0u);
  EXPECT_EQ(bits_of(1), 1u);
  EXPECT_EQ(bits_of(255), 8u);
  EXPECT_EQ(bits_of(256), 9u);
  EXPECT_EQ(bits_of(~uint64_t{0}), 64u);
}

}  // namespace
}  // namespace eventd::engine
