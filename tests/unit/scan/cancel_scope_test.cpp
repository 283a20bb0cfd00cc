#include "engine/scan/cancel_scope.h"

#include <gtest/gtest.h>

#include <thread>

#include "sqlstate.h"

namespace eventd::engine {
namespace {

TEST(CancelScope, TheInnermostTokenIsAsked) {
  CancelToken outer, inner;
  EXPECT_TRUE(check_interrupt().ok());
  const CancelScope outer_scope(&outer);
  {
    const CancelScope inner_scope(&inner);
    outer.cancel(CancelToken::Reason::kUserRequest);
    EXPECT_FALSE(is_interrupted());
    inner.cancel(CancelToken::Reason::kStatementTimeout);
    EXPECT_EQ(check_interrupt().error().message, "canceling statement due to statement timeout");
  }
  EXPECT_EQ(check_interrupt().error().message, "canceling statement due to user request");
  const CancelScope none(nullptr);  // whoever was asked before
  EXPECT_TRUE(is_interrupted());
}

TEST(CancelScope, OtherThreadsAskForThemselves) {
  CancelToken token;
  token.cancel(CancelToken::Reason::kUserRequest);
  const CancelScope scope(&token);
  const InterruptSource source = InterruptScope::current();
  bool alone = true, handed = false;
  std::thread([&] {
    alone = is_interrupted();
    const InterruptScope same(source);
    handed = is_interrupted();
  }).join();
  EXPECT_FALSE(alone);
  EXPECT_TRUE(handed);
}

TEST(InterruptPacer, AsksNowAndThenAndRemembers) {
  CancelToken token;
  InterruptPacer pacer;
  {
    const CancelScope scope(&token);
    token.cancel(CancelToken::Reason::kUserRequest);
    EXPECT_FALSE(pacer.step(1));  // not every time
    int steps = 0;
    while (steps < 1'000'000 && !pacer.step(1000)) ++steps;
    EXPECT_LT(steps, 10'000);
  }
  EXPECT_TRUE(pacer.interrupted());
  EXPECT_TRUE(pacer.step(0));  // also when nobody can be asked any more
}

}  // namespace
}  // namespace eventd::engine
