#include "engine/scan/memory_account.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "sqlstate.h"

namespace eventd::engine {
namespace {

TEST(MemoryAccount, GrowsToItsLimitAndNamesTheSetting) {
  MemoryPool pool(1000);
  MemoryAccount account(pool, 600);
  EXPECT_TRUE(account.grow(600).ok());
  const Status status = account.grow(1);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kOutOfMemory);
  EXPECT_NE(status.error().message.find("query_buffer"), std::string::npos);
  EXPECT_EQ(pool.used_bytes(), 600u);
  account.shrink(200);
  EXPECT_EQ(account.used_bytes(), 400u);
  EXPECT_EQ(account.peak_bytes(), 600u);
  EXPECT_EQ(pool.used_bytes(), 400u);
}

TEST(MemoryAccount, PoolBoundsAllAccountsAndGetsEverythingBack) {
  MemoryPool pool(1000);
  {
    MemoryAccount first(pool, 900), second(pool, 900);
    EXPECT_TRUE(first.grow(700).ok());
    const Status status = second.grow(400);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("query_memory"), std::string::npos);
    EXPECT_EQ(second.used_bytes(), 0u);
    pool.set_capacity(100);
    EXPECT_FALSE(second.grow(1).ok());
  }
  EXPECT_EQ(pool.used_bytes(), 0u);
}

TEST(MemoryAccount, HugeRequestsDoNotWrapAround) {
  MemoryPool pool(SIZE_MAX);
  MemoryAccount account(pool, SIZE_MAX);
  EXPECT_TRUE(account.grow(10).ok());
  EXPECT_FALSE(account.grow(SIZE_MAX - 5).ok());
  EXPECT_EQ(account.used_bytes(), 10u);
}

}  // namespace
}  // namespace eventd::engine
