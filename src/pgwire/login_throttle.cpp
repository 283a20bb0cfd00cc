#include "pgwire/login_throttle.h"

#include <algorithm>

namespace eventd::pgwire {

LoginThrottle::Network LoginThrottle::network_of(const IpAddress& address) {
  Network network = address.bytes;
  if (!address.is_v4) std::fill(network.begin() + 8, network.end(), uint8_t{0});
  return network;
}

void LoginThrottle::failed(const IpAddress& address) {
  const int64_t now = clock_.monotonic_ns();
  const std::lock_guard lock(mutex_);
  if (forgotten_ns_.size() >= kAddressesMax)
    std::erase_if(forgotten_ns_, [&](const auto& entry) { return entry.second <= now; });
  // So many at once: the newcomer is only delayed.
  const Network network = network_of(address);
  if (forgotten_ns_.size() >= kAddressesMax && !forgotten_ns_.contains(network)) return;
  int64_t& until = forgotten_ns_[network];
  until = std::max(until, now) + kForgottenAfterNs;
}

bool LoginThrottle::allowed(const IpAddress& address) const {
  const std::lock_guard lock(mutex_);
  const auto found = forgotten_ns_.find(network_of(address));
  return found == forgotten_ns_.end() ||
         found->second - clock_.monotonic_ns() < kFailuresMax * kForgottenAfterNs;
}

}  // namespace eventd::pgwire
