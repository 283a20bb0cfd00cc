#include "engine/functions/session_random.h"

#include <bit>
#include <cmath>

namespace eventd::engine {
namespace {

uint64_t splitmix64(uint64_t& state) {
  uint64_t value = state += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

uint64_t xoroshiro128(std::array<uint64_t, 2>& state) {
  const uint64_t first = state[0], mixed = state[1] ^ first;
  state[0] = std::rotl(first, 24) ^ mixed ^ (mixed << 16);
  state[1] = std::rotl(mixed, 37);
  return std::rotl(first * 5, 7) * 9;
}

}  // namespace

void SessionRandom::seed(double seed) {
  // 52 bits and a sign, as pg_prng_fseed().
  constexpr double kScale = 0x1.0p52 - 1;
  auto start = static_cast<uint64_t>(static_cast<int64_t>(kScale * seed));
  const std::lock_guard lock(mutex_);
  state_.emplace();
  for (uint64_t& word : *state_) word = splitmix64(start);
}

std::optional<double> SessionRandom::next() {
  const std::lock_guard lock(mutex_);
  if (!state_.has_value()) return std::nullopt;
  return std::ldexp(static_cast<double>(xoroshiro128(*state_) >> 12), -52);
}

}  // namespace eventd::engine
