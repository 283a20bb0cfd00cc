// One schedule: threads as fibers, a seed that decides who goes on and what memory shows.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/schedule/fiber.h"
#include "support/schedule/memory.h"
#include "support/schedule/random.h"

namespace eventd::schedule {

/// What a thread is for; decides which of several like barriers an Omission means.
enum class Role : uint8_t { kMain, kWriter, kReader };

/// Something the code does for a reason, left out by the simulation to see that it is missed.
enum class Omission : uint8_t {
  kNone,
  kStoreBarrierAfterTail,   ///< tail_pos before the bytes that overwrite
  kStoreBarrierOfBatch,     ///< a tail_pos moved by another emitter before this one's bytes
  kLoadBarrierAfterCopy,    ///< the copy before the second look at tail_pos
  kWritePosRelease,         ///< the event before write_pos
  kWritePosAcquire,         ///< write_pos before the event
  kFullBarrierOfWriter,     ///< publishing before the look at need_wake
  kFullBarrierOfReader,     ///< need_wake before the second look at write_pos
  kFutexCounterRelease,     ///< the request taken back before futex_counter moves
  kFutexCounterAcquire,     ///< futex_counter before the next request
  kGenerationRelease,       ///< the last write_pos before the ring counts as replaced
  kGenerationAcquire,       ///< the same, where it is read
  kRingLockAcquire,         ///< what the last holder of a ring wrote before this one's writing
  kMutexOfReader,           ///< all mutexes, where readers take them
  kNotifyOfFirstCondVar,
  kNotifyOfSecondCondVar,
  kNotifyByMain,
};

/// Unwinds a fiber when its schedule has failed; nothing else may catch it.
struct ScheduleAborted {};

struct ScheduleOptions {
  uint32_t steps_max = 20'000;  ///< more is a failure: somebody runs in circles
  Omission omission = Omission::kNone;
  bool trace = false;           ///< keep the last steps, for a schedule that is known to fail
};

/// Runs one schedule after the other. The scenario itself is the first fiber. Waits have no timeouts:
/// when every fiber waits, that is a failure. One at a time; single OS thread.
class Simulation {
 public:
  Simulation();
  ~Simulation();

  struct Outcome {
    bool failed = false;
    std::string failure;
    std::deque<std::string> trace;
    uint64_t steps = 0, switches = 0, sleeps = 0, wakes = 0, stale_loads = 0;
  };
  /// Runs `scenario` to its end or first failure.
  const Outcome& run(uint64_t seed, const ScheduleOptions& options,
                     const std::function<void(Simulation&)>& scenario);

  // For scenarios.
  /// Starts another thread.
  int spawn(Role role, std::function<void()> body);
  /// Waits until it has ended.
  void join(int fiber);
  /// Waits until all others have ended.
  void join_all() { join_all_but(-1); }
  void join_all_but(int fiber);
  void check(bool right, const char* what) {
    if (right) return;
    fail("%s", what);
    throw_if_aborting(true);
  }
  /// The schedule has failed: everybody unwinds at the next operation that may throw.
  void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));
  Random& random() { return random_; }
  /// True: read-modify-writes are full barriers, as on x86. False: they are not, and the barriers that
  /// other machines need are there. The seed decides.
  bool x86() const { return x86_; }
  bool omits(Omission omission) const { return options_.omission == omission; }

  // For what stands in for threads, locks and memory.
  /// The simulation whose fiber is running; null outside.
  static Simulation* current();
  /// Where another fiber may go on. Only operations that a destructor never does `may_throw`.
  void point(bool may_throw);
  /// A point where another one does go on, if any can. Polling while all others sleep fails in the end.
  void pause();
  /// Sleeps until wake() of the same key; returns at once, without having slept, when the seed wants
  /// a wake-up for no reason. False then.
  bool sleep(const void* key, const char* what);
  void wake(const void* key, bool all);
  /// A number of its own in this schedule, from 0.
  int next_condvar() { return condvars_++; }
  Role role() const;
  Memory& memory() { return memory_; }
  ThreadView& view();
  /// True once failed: operations do without waiting.
  bool aborting() const { return aborting_; }
  void trace(const char* format, ...) __attribute__((format(printf, 2, 3)));
  bool tracing() const { return options_.trace && !aborting_; }

 private:
  enum class State : uint8_t { kReady, kAsleep, kFinished };
  struct Thread {
    Fiber fiber;
    std::function<void()> body;
    ThreadView view;
    const void* key = nullptr;
    const char* sleeps_on = "";
    uint32_t started = 0, ended = 0;  // snapshots
    Role role = Role::kMain;
    State state = State::kReady;
    bool prepared = false;  // the fiber is there, from an earlier schedule
    bool unwinding = false;
  };

  static void enter();
  void run_body(Thread& thread);
  int choose();
  void switch_to(int next);
  void leave(bool finished);
  void throw_if_aborting(bool may_throw);
  void add_failure(const char* format, va_list arguments);
  std::string sleepers() const;

  Random random_;
  Memory memory_;
  ScheduleOptions options_;
  Outcome outcome_;
  Fiber outside_;
  std::vector<std::unique_ptr<Thread>> threads_;
  int used_ = 0;
  int running_ = -1;
  uint32_t ready_ = 0;  // bit by thread
  uint32_t until_switch_ = 0;
  uint32_t switch_every_ = 0;
  uint32_t spurious_of_16_ = 0;
  uint32_t alone_ = 0;  // pauses in a row with nobody else to go on
  int condvars_ = 0;
  bool x86_ = true;
  bool aborting_ = false;
};

}  // namespace eventd::schedule
