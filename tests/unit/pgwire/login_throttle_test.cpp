#include "pgwire/login_throttle.h"

#include <gtest/gtest.h>

namespace eventd::pgwire {
namespace {

class ManualClock final : public Clock {
 public:
  int64_t realtime_ns() const override { return now; }
  int64_t monotonic_ns() const override { return now; }
  int64_t now = 1'000'000'000'000;
};

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

TEST(LoginThrottle, RefusesAfterManyFailuresAndForgets) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  const IpAddress guesser = address("192.0.2.1"), other = address("192.0.2.2");
  for (int i = 0; i < LoginThrottle::kFailuresMax; ++i) {
    EXPECT_TRUE(throttle.allowed(guesser)) << i;
    throttle.failed(guesser);
  }
  EXPECT_FALSE(throttle.allowed(guesser));
  EXPECT_TRUE(throttle.allowed(other));
  clock.now += LoginThrottle::kForgottenAfterNs;
  EXPECT_TRUE(throttle.allowed(guesser));
  throttle.failed(guesser);
  EXPECT_FALSE(throttle.allowed(guesser));
  clock.now += LoginThrottle::kFailuresMax * LoginThrottle::kForgottenAfterNs;
  for (int i = 0; i + 1 < LoginThrottle::kFailuresMax; ++i) throttle.failed(guesser);
  EXPECT_TRUE(throttle.allowed(guesser));
}

TEST(LoginThrottle, AnIpv6NetworkIsOneGuesser) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 0; i < LoginThrottle::kFailuresMax; ++i) throttle.failed(address("2001:db8::1"));
  EXPECT_FALSE(throttle.allowed(address("2001:db8::ffff")));
  EXPECT_TRUE(throttle.allowed(address("2001:db8:0:1::1")));
}

TEST(LoginThrottle, RemembersABoundedNumberOfAddresses) {
  ManualClock clock;
  LoginThrottle throttle(clock);
  for (size_t i = 0; i < LoginThrottle::kAddressesMax + 10; ++i) {
    const std::string text = "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) +
                             "." + std::to_string(i & 255);
    throttle.failed(address(text));
  }
  const IpAddress late = address("192.0.2.1");
  for (int i = 0; i < LoginThrottle::kFailuresMax; ++i) throttle.failed(late);
  EXPECT_TRUE(throttle.allowed(late));  // no room
  clock.now += 2 * LoginThrottle::kForgottenAfterNs;
  for (int i = 0; i < LoginThrottle::kFailuresMax; ++i) throttle.failed(late);
  EXPECT_FALSE(throttle.allowed(late));
}

}  // namespace
}  // namespace eventd::pgwire
