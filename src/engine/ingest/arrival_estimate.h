// Whether rows arrive fast enough that waiting for more pays for a commit. Spec: ingest.md "Writer".
#pragma once

#include <algorithm>
#include <cstdint>

namespace eventd::engine {

/// Smoothed arrival rate against smoothed commit cost, with hysteresis so that batch sizes don't
/// swing under bursts. Times are monotonic nanoseconds. Owned by the writer thread.
class ArrivalEstimate {
 public:
  /// `rows` were found waiting at `now_ns`.
  void note_arrival(uint64_t rows, int64_t now_ns) {
    if (last_ns_ == 0 || now_ns < last_ns_) {
      last_ns_ = now_ns;
      return;
    }
    rows_ += rows;
    const int64_t elapsed_ns = now_ns - last_ns_;
    // Looking twice within a moment says nothing about a rate.
    if (elapsed_ns < kLookNs) return;
    const auto elapsed = static_cast<double>(elapsed_ns);
    // By time, not by look: a burst that is taken in many pieces weighs what its duration weighs.
    const double weight = elapsed / (elapsed + kMemoryNs);
    rows_per_ns_ += weight * (static_cast<double>(rows_) / elapsed - rows_per_ns_);
    last_ns_ = now_ns;
    rows_ = 0;
    update();
  }
  void note_commit(int64_t cost_ns) {
    commit_cost_ns_ += kCommitWeight * (static_cast<double>(cost_ns) - commit_cost_ns_);
    update();
  }

  double commit_cost_ns() const { return commit_cost_ns_; }
  double rows_per_second() const { return rows_per_ns_ * 1e9; }
  /// True when many rows would arrive during one commit: keep batching while rows are waiting.
  bool fast() const { return fast_; }

  /// A commit that starts now just ends within `latency_max_ns` after the batch's first row.
  bool out_of_time(int64_t started_ns, int64_t now_ns, int64_t latency_max_ns) const {
    const int64_t cost_ns = std::min(static_cast<int64_t>(commit_cost_ns_), latency_max_ns / 2);
    return now_ns - started_ns >= latency_max_ns - cost_ns;
  }
  /// What to do with a batch that has rows: `rows_wait` = more could be added at once.
  bool commit_now(bool rows_wait, int64_t started_ns, int64_t now_ns, int64_t latency_max_ns) const {
    return !rows_wait || !fast_ || out_of_time(started_ns, now_ns, latency_max_ns);
  }

 private:
  static constexpr int64_t kLookNs = 1'000'000;
  static constexpr double kMemoryNs = 50'000'000;
  static constexpr double kCommitWeight = 0.2;
  static constexpr double kFastRows = 32, kSlowRows = 8;

  void update() {
    const double rows = rows_per_ns_ * commit_cost_ns_;
    if (rows > kFastRows) fast_ = true;
    if (rows < kSlowRows) fast_ = false;
  }

  double rows_per_ns_ = 0;
  double commit_cost_ns_ = 500'000;
  uint64_t rows_ = 0;  // since last_ns_
  int64_t last_ns_ = 0;
  bool fast_ = false;
};

}  // namespace eventd::engine
