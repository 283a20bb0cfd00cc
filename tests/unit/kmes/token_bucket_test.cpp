// The rate limit of one process.
#include "kmes/token_bucket.h"

#include <gtest/gtest.h>

namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(TokenBucket, BurstThenRefill) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, 100, kSecond);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 100, kSecond));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, kSecond));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, kSecond + kSecond / 100 - 1));
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 1, kSecond + kSecond / 100));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, kSecond)) << "a clock that steps back gives nothing";
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 3 * kSecond), 100U);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, UINT64_MAX), 100U) << "never above the burst";
}

TEST(TokenBucket, AllOrNothingAndGivingBack) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, 10, 0);
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 11, 0));
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 10U);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 8, 0));
  kmes_token_bucket_give_back(&bucket, 3);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 5U);
  kmes_token_bucket_give_back(&bucket, UINT32_MAX);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 10U);
}

TEST(TokenBucket, LoweringTheRateClampsAndLargestRateHolds) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, UINT32_MAX, 0);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, UINT32_MAX, 0));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, 0));
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, UINT32_MAX, kSecond));
  kmes_token_bucket_set_rate(&bucket, 7, 3 * kSecond);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 3 * kSecond), 7U);
  kmes_token_bucket_set_rate(&bucket, 0, 3 * kSecond);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 1'000'000, 3 * kSecond)) << "no limit";
}

}  // namespace
