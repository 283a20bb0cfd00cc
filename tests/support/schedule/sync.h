// Stands in for src/sync.h: mutexes, condition variables, threads and atomics of a simulation. Outside
// of one, atomics are plain values and nothing else may be used.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <type_traits>
#include <utility>

#include "support/schedule/simulation.h"

namespace eventd {

/// A mutex (Lockable) of the simulation. Who takes it sees what the last holder saw.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock();
  bool try_lock();
  void unlock();

 private:
  friend class CondVar;
  void release();
  uint32_t released_ = 0;
  bool taken_ = false;
};

/// Waits never time out: a wake-up that only a timeout stood in for shows as everybody asleep.
class CondVar {
 public:
  CondVar();
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void wait(std::unique_lock<Mutex>& lock);
  template <class Predicate>
  void wait(std::unique_lock<Mutex>& lock, Predicate predicate) {
    while (!predicate() && !aborting()) wait(lock);
  }
  template <class Rep, class Period>
  std::cv_status wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>&) {
    wait(lock);
    return std::cv_status::no_timeout;
  }
  template <class Rep, class Period, class Predicate>
  bool wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>&,
                Predicate predicate) {
    wait(lock, std::move(predicate));
    return true;
  }
  template <class Clock, class Duration>
  std::cv_status wait_until(std::unique_lock<Mutex>& lock,
                            const std::chrono::time_point<Clock, Duration>&) {
    wait(lock);
    return std::cv_status::no_timeout;
  }
  template <class Clock, class Duration, class Predicate>
  bool wait_until(std::unique_lock<Mutex>& lock, const std::chrono::time_point<Clock, Duration>&,
                  Predicate predicate) {
    wait(lock, std::move(predicate));
    return true;
  }
  void notify_one() { notify(false); }
  void notify_all() { notify(true); }

 private:
  static bool aborting();
  void notify(bool all);
  bool left_out() const;
  int number_ = 0;
};

/// A thread of the running simulation.
class Thread {
 public:
  Thread() = default;
  template <class Body>
    requires(!std::is_same_v<std::remove_cvref_t<Body>, Thread>)
  explicit Thread(Body&& body) : fiber_(start(std::forward<Body>(body))) {}
  Thread(Thread&& other) noexcept : fiber_(std::exchange(other.fiber_, -1)) {}
  Thread& operator=(Thread&& other) noexcept {
    fiber_ = std::exchange(other.fiber_, -1);
    return *this;
  }
  bool joinable() const { return fiber_ >= 0; }
  void join();

 private:
  static int start(std::function<void()> body);
  int fiber_ = -1;
};

/// Lets others go on; how long that takes is the schedule's affair.
void sleep_for(std::chrono::nanoseconds time);

namespace schedule {

/// What every Atomic<T> does, on the bits of its value.
class AtomicBits {
 public:
  explicit AtomicBits(uint64_t bits);
  AtomicBits(const AtomicBits&) = delete;
  AtomicBits& operator=(const AtomicBits&) = delete;

 protected:
  uint64_t load_bits(std::memory_order order) const;
  void store_bits(uint64_t bits, std::memory_order order);
  uint64_t exchange_bits(uint64_t bits, std::memory_order order);
  bool compare_exchange_bits(uint64_t& expected, uint64_t desired, std::memory_order order,
                             std::memory_order failure, bool weak);
  void wait_bits(uint64_t old, std::memory_order order) const;
  void notify(bool all);
  /// Between begin_change() and end_change() nobody else runs.
  uint64_t begin_change(std::memory_order order);
  void end_change(uint64_t bits, std::memory_order order);

 private:
  int word_ = -1;       // in a simulation
  uint64_t plain_ = 0;  // outside
};

}  // namespace schedule

/// std::atomic of a simulation.
template <class T>
class Atomic : private schedule::AtomicBits {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);

 public:
  Atomic() : Atomic(T{}) {}
  Atomic(T value) : AtomicBits(to_bits(value)) {}

  T load(std::memory_order order = std::memory_order_seq_cst) const {
    return from_bits(load_bits(order));
  }
  operator T() const { return load(); }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    store_bits(to_bits(value), order);
  }
  T operator=(T value) {
    store(value);
    return value;
  }
  T exchange(T value, std::memory_order order = std::memory_order_seq_cst) {
    return from_bits(exchange_bits(to_bits(value), order));
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order order,
                             std::memory_order failure) {
    return compare_exchange(expected, desired, order, failure, true);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order,
                               std::memory_order failure) {
    return compare_exchange(expected, desired, order, failure, false);
  }
  T fetch_add(T by, std::memory_order order = std::memory_order_seq_cst) {
    return change(order, [by](T old) { return static_cast<T>(old + by); });
  }
  T fetch_sub(T by, std::memory_order order = std::memory_order_seq_cst) {
    return change(order, [by](T old) { return static_cast<T>(old - by); });
  }
  T fetch_and(T by, std::memory_order order = std::memory_order_seq_cst) {
    return change(order, [by](T old) { return static_cast<T>(old & by); });
  }
  T fetch_or(T by, std::memory_order order = std::memory_order_seq_cst) {
    return change(order, [by](T old) { return static_cast<T>(old | by); });
  }
  void wait(T old, std::memory_order order = std::memory_order_seq_cst) const {
    wait_bits(to_bits(old), order);
  }
  void notify_one() { notify(false); }
  void notify_all() { notify(true); }

 private:
  static uint64_t to_bits(T value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }
  static T from_bits(uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  template <class Change>
  T change(std::memory_order order, Change change) {
    const uint64_t old = begin_change(order);
    end_change(to_bits(change(from_bits(old))), order);
    return from_bits(old);
  }
  bool compare_exchange(T& expected, T desired, std::memory_order order, std::memory_order failure,
                        bool weak) {
    uint64_t bits = to_bits(expected);
    const bool done = compare_exchange_bits(bits, to_bits(desired), order, failure, weak);
    expected = from_bits(bits);
    return done;
  }
};

}  // namespace eventd
