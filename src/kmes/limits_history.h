// The limits emitters were told, for as long as messages checked by them may still arrive.
#pragma once

#include <array>
#include <cstdint>

#include "kmes/event_socket.h"

namespace eventd::kmes {

/// Every change is a version; a message says by which its sender checked it, and is judged by that
/// one, so that a change loses nothing that libkmes has accepted. Old versions count for a minute,
/// and the last eight at most: an emitter that names one to get around a change gains no more.
/// Owned by one thread.
class LimitsHistory {
 public:
  static constexpr uint64_t kKeepNs = 60'000'000'000;

  explicit LimitsHistory(const EventSocketLimits& limits) { entries_[0].limits = limits; }

  void change(const EventSocketLimits& limits, uint64_t now_ns);
  const EventSocketLimits& now() const { return entries_[current_].limits; }
  /// Of now(); never 0.
  uint16_t version() const { return entries_[current_].version; }
  /// The limits of `version`; now() when that is 0, unknown or too old.
  const EventSocketLimits& of(uint16_t version, uint64_t now_ns) const;

 private:
  struct Entry {
    uint16_t version = 1;
    uint64_t replaced_ns = 0;
    EventSocketLimits limits;
  };
  std::array<Entry, 8> entries_{};
  size_t current_ = 0;
  size_t count_ = 1;
};

}  // namespace eventd::kmes
