#include "clock.h"

#include <ctime>

namespace eventd {
namespace {

int64_t read_clock(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  int64_t realtime_ns() const override { return read_clock(CLOCK_REALTIME); }
  int64_t monotonic_ns() const override { return read_clock(CLOCK_MONOTONIC); }
};

}  // namespace

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

}  // namespace eventd
