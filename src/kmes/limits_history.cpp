#include "kmes/limits_history.h"

#include <algorithm>

namespace eventd::kmes {

void LimitsHistory::change(const EventSocketLimits& limits, uint64_t now_ns) {
  Entry& before = entries_[current_];
  before.replaced_ns = now_ns;
  current_ = (current_ + 1) % entries_.size();
  count_ = std::min(count_ + 1, entries_.size());
  const auto next = static_cast<uint16_t>(before.version + 1U);
  entries_[current_] = {next != 0 ? next : uint16_t{1}, 0, limits};
}

const EventSocketLimits& LimitsHistory::of(uint16_t version, uint64_t now_ns) const {
  if (version == entries_[current_].version) return now();
  for (size_t i = 0; i < count_; ++i) {
    const Entry& entry = entries_[i];
    if (entry.version == version && now_ns - entry.replaced_ns <= kKeepNs) return entry.limits;
  }
  return now();
}

}  // namespace eventd::kmes
