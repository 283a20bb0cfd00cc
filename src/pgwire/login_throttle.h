// Who has given wrong passwords too often.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>

#include "clock.h"
#include "pgwire/hba.h"

namespace eventd::pgwire {

/// A leaking bucket of failed logins for each address (each /64 network of IPv6). Asked before the
/// password is checked, so that parallel connections guess no faster than one. Thread-safe.
class LoginThrottle {
 public:
  /// Failures at once, and how fast they are forgotten.
  static constexpr int64_t kFailuresMax = 20;
  static constexpr int64_t kForgottenAfterNs = 1'000'000'000;
  static constexpr size_t kAddressesMax = 10'000;

  explicit LoginThrottle(const Clock& clock = Clock::system()) : clock_(clock) {}

  void failed(const IpAddress& address);
  bool allowed(const IpAddress& address) const;

 private:
  using Network = std::array<uint8_t, 16>;
  static Network network_of(const IpAddress& address);

  const Clock& clock_;
  mutable std::mutex mutex_;
  // GUARDED_BY(mutex_): CLOCK_MONOTONIC ns when the last failure is forgotten.
  std::map<Network, int64_t> forgotten_ns_;
};

}  // namespace eventd::pgwire
