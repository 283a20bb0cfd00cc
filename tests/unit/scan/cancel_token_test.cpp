#include "engine/scan/cancel_token.h"

#include <gtest/gtest.h>

#include "clock.h"
#include "sqlstate.h"

namespace eventd::engine {
namespace {

TEST(CancelToken, TellsTheFirstReason) {
  CancelToken token;
  EXPECT_FALSE(token.cancelled());
  EXPECT_TRUE(token.check().ok());
  token.cancel(CancelToken::Reason::kShutdown);
  token.cancel(CancelToken::Reason::kUserRequest);
  EXPECT_TRUE(token.cancelled());
  EXPECT_EQ(token.check().error().code, sqlstate::kAdminShutdown);
  token.reset();
  EXPECT_TRUE(token.check().ok());
}

TEST(CancelToken, DeadlineIsATimeout) {
  CancelToken token;
  token.set_deadline(Clock::system().monotonic_ns() + 3'600'000'000'000);
  EXPECT_FALSE(token.cancelled());
  token.set_deadline(1);
  EXPECT_TRUE(token.cancelled());
  const Status status = token.check();
  EXPECT_EQ(status.error().code, sqlstate::kQueryCanceled);
  EXPECT_EQ(status.error().message, "canceling statement due to statement timeout");
}

TEST(CancelToken, UserRequestUsesPostgresWords) {
  CancelToken token;
  token.cancel(CancelToken::Reason::kUserRequest);
  EXPECT_EQ(token.check().error().message, "canceling statement due to user request");
}

}  // namespace
}  // namespace eventd::engine
