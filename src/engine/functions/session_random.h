// The random numbers of one session that called setseed().
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

namespace eventd::engine {

/// After setseed() random() gives PostgreSQL's numbers (xoroshiro128**, seeded with splitmix64), in
/// the order of the calls. Thread-safe.
class SessionRandom {
 public:
  /// `seed` in [-1, 1].
  void seed(double seed);
  /// Uniform over [0, 1); nullopt before the first seed().
  std::optional<double> next();

 private:
  std::mutex mutex_;
  std::optional<std::array<uint64_t, 2>> state_;
};

}  // namespace eventd::engine
