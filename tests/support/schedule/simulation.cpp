#include "support/schedule/simulation.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace eventd::schedule {
namespace {

constexpr int kThreadsMax = 16;
constexpr size_t kTraceMax = 120;
// Somebody who polls has seen everything by then.
constexpr uint32_t kPausesAloneMax = 200;

Simulation* g_current = nullptr;

std::string formatted(const char* format, va_list arguments) {
  char line[400];
  std::vsnprintf(line, sizeof line, format, arguments);
  return line;
}

}  // namespace

Simulation::Simulation() = default;
Simulation::~Simulation() = default;

Simulation* Simulation::current() { return g_current; }
Role Simulation::role() const { return threads_[static_cast<size_t>(running_)]->role; }
ThreadView& Simulation::view() { return threads_[static_cast<size_t>(running_)]->view; }

const Simulation::Outcome& Simulation::run(uint64_t seed, const ScheduleOptions& options,
                                           const std::function<void(Simulation&)>& scenario) {
  random_ = Random(seed);
  options_ = options;
  outcome_ = Outcome{};
  used_ = 0;
  ready_ = 0;
  condvars_ = 0;
  alone_ = 0;
  aborting_ = false;
  // Each schedule has a temper of its own: how often threads change, how old memory may look.
  static constexpr uint32_t kSwitchEvery[] = {1, 2, 4, 8, 24, 80};
  static constexpr uint32_t kStale[] = {0, 1, 4, 8, 14};
  static constexpr uint32_t kLate[] = {0, 2, 8};
  static constexpr uint32_t kSpurious[] = {0, 0, 0, 2};
  switch_every_ = kSwitchEvery[random_.below(std::size(kSwitchEvery))];
  spurious_of_16_ = kSpurious[random_.below(std::size(kSpurious))];
  x86_ = random_.one_in(2);
  const uint32_t stale = kStale[random_.below(std::size(kStale))];
  memory_.reset(random_, {stale, kLate[random_.below(std::size(kLate))]});
  until_switch_ = 1;

  running_ = spawn(Role::kMain, [&] { scenario(*this); });
  g_current = this;
  Fiber::switch_to(outside_, threads_[0]->fiber);
  g_current = nullptr;
  outcome_.stale_loads = memory_.stale_count();
  return outcome_;
}

int Simulation::spawn(Role role, std::function<void()> body) {
  if (used_ == kThreadsMax) std::abort();
  const int index = used_++;
  if (static_cast<size_t>(index) == threads_.size()) threads_.push_back(std::make_unique<Thread>());
  Thread& thread = *threads_[static_cast<size_t>(index)];
  thread.body = std::move(body);
  memory_.reset(thread.view);
  thread.started = index == 0 ? 0 : memory_.snapshot(view());
  thread.role = role;
  thread.state = State::kReady;
  thread.unwinding = false;
  if (!std::exchange(thread.prepared, true)) thread.fiber.prepare(&Simulation::enter);
  ready_ |= 1U << index;
  return index;
}

void Simulation::enter() {
  // A fiber serves one thread after the other: making one costs more than a schedule.
  for (;;) {
    Simulation& self = *g_current;
    self.run_body(*self.threads_[static_cast<size_t>(self.running_)]);
    self.leave(true);
  }
}

void Simulation::run_body(Thread& thread) {
  if (aborting_) return;
  memory_.join(thread.view, thread.started);
  try {
    thread.body();
  } catch (const ScheduleAborted&) {
  }
}

// The running thread is at its end, or asleep. Returns when it goes on, or as another thread.
void Simulation::leave(bool finished) {
  Thread& thread = *threads_[static_cast<size_t>(running_)];
  ready_ &= ~(1U << running_);
  if (finished) {
    thread.state = State::kFinished;
    thread.ended = memory_.snapshot(thread.view);
    thread.body = nullptr;
    wake(&thread, true);
  }
  int next = -1;
  if (!aborting_ && ready_ == 0 && !(finished && running_ == 0)) {
    fail("%s", sleepers().c_str());
  }
  if (aborting_ || ready_ == 0) {
    // Everybody unwinds, the scenario last: the others use what lies on its stack.
    for (int i = used_ - 1; i >= 0 && next < 0; --i) {
      if (threads_[static_cast<size_t>(i)]->state != State::kFinished) next = i;
    }
    if (next >= 0 && !aborting_) std::abort();  // a scenario that did not join_all()
    if (next < 0) {
      Fiber::switch_to(thread.fiber, outside_);
      return;
    }
    if (next == running_) return;
  } else {
    next = choose();
  }
  switch_to(next);
}

std::string Simulation::sleepers() const {
  std::string text = "everybody waits:";
  for (int i = 0; i < used_; ++i) {
    const Thread& thread = *threads_[static_cast<size_t>(i)];
    if (thread.state != State::kAsleep) continue;
    text += " thread " + std::to_string(i) + " for " + thread.sleeps_on + ";";
  }
  return text;
}

int Simulation::choose() {
  until_switch_ = random_.between(1, 2 * switch_every_ - 1);
  uint32_t ready = ready_;
  for (uint32_t skip = random_.below(static_cast<uint32_t>(std::popcount(ready))); skip != 0; --skip) {
    ready &= ready - 1;
  }
  return std::countr_zero(ready);
}

void Simulation::switch_to(int next) {
  Thread& from = *threads_[static_cast<size_t>(running_)];
  running_ = next;
  ++outcome_.switches;
  Fiber::switch_to(from.fiber, threads_[static_cast<size_t>(next)]->fiber);
}

void Simulation::throw_if_aborting(bool may_throw) {
  Thread& thread = *threads_[static_cast<size_t>(running_)];
  if (!aborting_ || !may_throw || thread.unwinding) return;
  thread.unwinding = true;
  throw ScheduleAborted{};
}

void Simulation::point(bool may_throw) {
  if (!aborting_) {
    if (++outcome_.steps > options_.steps_max) {
      fail("more than %u steps", options_.steps_max);
    } else if (--until_switch_ == 0) {
      const int next = choose();
      if (next != running_) switch_to(next);
    }
  }
  throw_if_aborting(may_throw);
}

void Simulation::pause() {
  const uint32_t others = ready_ & ~(1U << running_);
  alone_ = others == 0 ? alone_ + 1 : 0;
  if (alone_ > kPausesAloneMax) fail("%s", sleepers().c_str());
  if (!aborting_ && others != 0) {
    const uint32_t self = ready_;
    ready_ = others;
    const int next = choose();
    ready_ = self;
    switch_to(next);
  }
  point(true);
}

bool Simulation::sleep(const void* key, const char* what) {
  Thread& thread = *threads_[static_cast<size_t>(running_)];
  if (aborting_) {
    throw_if_aborting(true);
    return false;
  }
  if (spurious_of_16_ != 0 && random_.below(16) < spurious_of_16_) {
    if (tracing()) trace("wakes up from %s for no reason", what);
    point(true);
    return false;
  }
  ++outcome_.sleeps;
  if (tracing()) trace("sleeps on %s", what);
  thread.state = State::kAsleep;
  thread.key = key;
  thread.sleeps_on = what;
  leave(false);
  throw_if_aborting(true);
  return true;
}

void Simulation::wake(const void* key, bool all) {
  uint32_t asleep = 0;
  for (int i = 0; i < used_; ++i) {
    const Thread& thread = *threads_[static_cast<size_t>(i)];
    if (thread.state == State::kAsleep && thread.key == key) asleep |= 1U << i;
  }
  if (asleep == 0) return;
  if (!all) {
    for (uint32_t skip = random_.below(static_cast<uint32_t>(std::popcount(asleep))); skip != 0; --skip)
      asleep &= asleep - 1;
    asleep &= -asleep;
  }
  outcome_.wakes += static_cast<uint32_t>(std::popcount(asleep));
  ready_ |= asleep;
  for (; asleep != 0; asleep &= asleep - 1) {
    threads_[static_cast<size_t>(std::countr_zero(asleep))]->state = State::kReady;
  }
}

void Simulation::join(int fiber) {
  Thread& thread = *threads_[static_cast<size_t>(fiber)];
  point(true);
  while (thread.state != State::kFinished && !aborting_) sleep(&thread, "the end of a thread");
  throw_if_aborting(true);
  if (thread.state == State::kFinished) memory_.join(view(), thread.ended);
}

void Simulation::join_all_but(int fiber) {
  for (int i = 1; i < used_; ++i) {
    if (i != fiber) join(i);
  }
}

void Simulation::add_failure(const char* format, va_list arguments) {
  aborting_ = true;
  if (outcome_.failed) return;
  outcome_.failed = true;
  outcome_.failure = formatted(format, arguments);
}

void Simulation::fail(const char* format, ...) {
  if (!aborting_) {
    va_list arguments;
    va_start(arguments, format);
    add_failure(format, arguments);
    va_end(arguments);
  }
}

void Simulation::trace(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::string line = "thread " + std::to_string(running_) + " " + formatted(format, arguments);
  va_end(arguments);
  // Somebody spins.
  if (!outcome_.trace.empty() && outcome_.trace.back() == line) return;
  if (outcome_.trace.size() == kTraceMax) outcome_.trace.pop_front();
  outcome_.trace.push_back(std::move(line));
}

}  // namespace eventd::schedule
