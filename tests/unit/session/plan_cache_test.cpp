#include "engine/session/plan_cache.h"

#include <gtest/gtest.h>

#include <thread>

namespace eventd::engine {
namespace {

std::shared_ptr<const Prepared> prepared(uint64_t generation = 0) {
  auto made = std::make_shared<Prepared>();
  made->generation = generation;
  return made;
}

PlanKey key(std::string_view text, std::span<const Oid> declared = {}, std::string_view role = "r") {
  return {text, declared, "public", role};
}

/// A cache keeps a statement from its second use on.
void add(PlanCache& cache, const PlanKey& k, const std::shared_ptr<const Prepared>& p) {
  cache.add(k, p);
  cache.add(k, p);
}

TEST(PlanCache, KeepsFromTheSecondUseOn) {
  PlanCache cache;
  cache.set_limits(10, 1 << 20);
  const auto p = prepared();
  EXPECT_EQ(cache.find(key("SELECT 1"), 1), nullptr);
  cache.add(key("SELECT 1"), p);
  EXPECT_EQ(cache.find(key("SELECT 1"), 1), nullptr);
  cache.add(key("SELECT 1"), p);
  EXPECT_EQ(cache.find(key("SELECT 1"), 1), p);
}

TEST(PlanCache, TextTypesAndRoleAreTheKey) {
  PlanCache cache;
  cache.set_limits(10, 1 << 20);
  const Oid int4[] = {oid::kInt4}, text[] = {oid::kText};
  add(cache, key("SELECT $1", int4), prepared());
  EXPECT_NE(cache.find(key("SELECT $1", int4), 1), nullptr);
  EXPECT_EQ(cache.find(key("SELECT $1", text), 1), nullptr);
  EXPECT_EQ(cache.find(key("SELECT $1"), 1), nullptr);
  EXPECT_EQ(cache.find(key("SELECT $1 ", int4), 1), nullptr);
  EXPECT_EQ(cache.find(key("SELECT $1", int4, "other"), 1), nullptr);
}

TEST(PlanCache, AnotherGenerationEndsWhatDependsOnIt) {
  PlanCache cache;
  cache.set_limits(10, 1 << 20);
  add(cache, key("a"), prepared(1));
  add(cache, key("b"), prepared(0));
  EXPECT_NE(cache.find(key("a"), 1), nullptr);
  EXPECT_EQ(cache.find(key("a"), 2), nullptr);
  EXPECT_EQ(cache.find(key("a"), 1), nullptr) << "gone for good";
  EXPECT_NE(cache.find(key("b"), 2), nullptr);
}

TEST(PlanCache, TheLeastRecentlyUsedGoesFirst) {
  PlanCache cache;
  cache.set_limits(3, 1 << 20);
  for (const char* text : {"a", "b", "c"}) add(cache, key(text), prepared());
  EXPECT_NE(cache.find(key("a"), 1), nullptr);
  add(cache, key("d"), prepared());
  EXPECT_EQ(cache.entries(), 3u);
  EXPECT_EQ(cache.find(key("b"), 1), nullptr);
  EXPECT_NE(cache.find(key("a"), 1), nullptr);
}

TEST(PlanCache, BytesAreBounded) {
  PlanCache cache;
  cache.set_limits(1000, 20'000);
  for (int i = 0; i < 100; ++i) {
    add(cache, key("SELECT " + std::to_string(i)), prepared());
    EXPECT_LE(cache.bytes(), 20'000u);
  }
  EXPECT_GT(cache.entries(), 1u);
  add(cache, key(std::string(PlanCache::kTextBytesMax + 1, 'x')), prepared());
  EXPECT_EQ(cache.find(key(std::string(PlanCache::kTextBytesMax + 1, 'x')), 1), nullptr);
  cache.set_limits(0, 20'000);
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  add(cache, key("off"), prepared());
  EXPECT_EQ(cache.find(key("off"), 1), nullptr);
}

TEST(PlanCache, ManyThreads) {
  PlanCache cache;
  cache.set_limits(50, 1 << 20);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string text = "SELECT " + std::to_string((i * (t + 1)) % 97);
        const auto found = cache.find(key(text), 1 + static_cast<uint64_t>(i / 500));
        if (found == nullptr) cache.add(key(text), prepared(1 + static_cast<uint64_t>(i / 500)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.entries(), 50u);
}

}  // namespace
}  // namespace eventd::engine
