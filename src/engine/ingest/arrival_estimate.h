// Whether rows arrive fast enough that waiting for more pays for a commit.
#pragma once

#include <cstdint>

namespace eventd::engine {

/// Smoothed arrival rate against smoothed commit cost, with hysteresis so that batch sizes don't
/// swing under bursts. Owned by the writer thread.
class ArrivalEstimate {
 public:
  /// `rows` were found waiting at `now_ns` (monotonic).
  void note_arrival(uint64_t rows, int64_t now_ns) {
    if (last_ns_ != 0 && now_ns > last_ns_) {
      const double rate = static_cast<double>(rows) / static_cast<double>(now_ns - last_ns_);
      rows_per_ns_ += kWeight * (rate - rows_per_ns_);
    }
    last_ns_ = now_ns;
    update();
  }
  void note_commit(int64_t cost_ns) {
    commit_cost_ns_ += kWeight * (static_cast<double>(cost_ns) - commit_cost_ns_);
    update();
  }
  /// True when many rows would arrive during one commit: keep batching while rows are waiting.
  bool fast() const { return fast_; }

 private:
  static constexpr double kWeight = 0.2;
  static constexpr double kFastRows = 32, kSlowRows = 8;

  void update() {
    const double rows = rows_per_ns_ * commit_cost_ns_;
    if (rows > kFastRows) fast_ = true;
    if (rows < kSlowRows) fast_ = false;
  }

  double rows_per_ns_ = 0;
  double commit_cost_ns_ = 500'000;
  int64_t last_ns_ = 0;
  bool fast_ = false;
};

}  // namespace eventd::engine
