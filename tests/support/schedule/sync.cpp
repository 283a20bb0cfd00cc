#include "support/schedule/sync.h"

namespace eventd {
namespace {

using schedule::Omission;
using schedule::Role;
using schedule::Simulation;

Simulation& simulation() { return *Simulation::current(); }

bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst || order == std::memory_order_consume;
}

bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

unsigned long long shown(uint64_t value) { return value; }

}  // namespace

void Mutex::lock() {
  Simulation& sim = simulation();
  if (sim.omits(Omission::kMutexOfReader) && sim.role() == Role::kReader) return;
  sim.point(true);
  while (taken_ && !sim.aborting()) sim.sleep(this, "a mutex");
  taken_ = true;
  sim.memory().join(sim.view(), released_);
  if (sim.tracing()) sim.trace("locks mutex %p", static_cast<void*>(this));
}

bool Mutex::try_lock() {
  Simulation& sim = simulation();
  sim.point(true);
  if (taken_) return false;
  taken_ = true;
  sim.memory().join(sim.view(), released_);
  return true;
}

void Mutex::release() {
  Simulation& sim = simulation();
  if (sim.tracing()) sim.trace("unlocks mutex %p", static_cast<void*>(this));
  released_ = sim.memory().snapshot(sim.view());
  taken_ = false;
  sim.wake(this, false);
}

void Mutex::unlock() {
  if (simulation().omits(Omission::kMutexOfReader) && simulation().role() == Role::kReader) return;
  release();
  simulation().point(false);
}

CondVar::CondVar() {
  if (Simulation* sim = Simulation::current()) number_ = sim->next_condvar();
}

bool CondVar::aborting() { return simulation().aborting(); }

void CondVar::wait(std::unique_lock<Mutex>& lock) {
  Simulation& sim = simulation();
  // No point between: whoever takes the mutex from here on finds this thread asleep.
  Mutex& mutex = *lock.mutex();
  mutex.release();
  try {
    sim.sleep(this, number_ == 0   ? "condition variable 0"
                    : number_ == 1 ? "condition variable 1"
                                   : "a condition variable");
  } catch (const schedule::ScheduleAborted&) {
    mutex.taken_ = true;  // the lock will be given back while unwinding
    throw;
  }
  mutex.lock();
}

bool CondVar::left_out() const {
  const Simulation& sim = simulation();
  return (sim.omits(Omission::kNotifyOfFirstCondVar) && number_ == 0) ||
         (sim.omits(Omission::kNotifyOfSecondCondVar) && number_ == 1) ||
         (sim.omits(Omission::kNotifyByMain) && sim.role() == Role::kMain);
}

void CondVar::notify(bool all) {
  Simulation& sim = simulation();
  sim.point(false);
  if (sim.tracing()) sim.trace("notifies %s of condition variable %d", all ? "all" : "one", number_);
  if (!left_out()) sim.wake(this, all);
}

int Thread::start(std::function<void()> body) {
  return simulation().spawn(Role::kReader, std::move(body));
}

void Thread::join() { simulation().join(std::exchange(fiber_, -1)); }

void sleep_for(std::chrono::nanoseconds) { simulation().pause(); }

namespace schedule {

AtomicBits::AtomicBits(uint64_t bits) : plain_(bits) {
  if (Simulation* sim = Simulation::current()) word_ = sim->memory().add_word(bits, "atomic");
}

uint64_t AtomicBits::load_bits(std::memory_order order) const {
  if (word_ < 0) return plain_;
  Simulation& sim = simulation();
  sim.point(true);
  if (order == std::memory_order_seq_cst) sim.memory().full_fence(sim.view());
  const uint64_t bits = sim.memory().load(sim.view(), word_, acquires(order));
  if (order == std::memory_order_seq_cst) sim.memory().full_fence(sim.view());
  if (sim.tracing()) sim.trace("loads atomic %d: %llu", word_, shown(bits));
  return bits;
}

void AtomicBits::store_bits(uint64_t bits, std::memory_order order) {
  plain_ = bits;
  if (word_ < 0) return;
  Simulation& sim = simulation();
  sim.point(false);
  if (order == std::memory_order_seq_cst) sim.memory().full_fence(sim.view());
  sim.memory().store(sim.view(), word_, bits, releases(order));
  if (order == std::memory_order_seq_cst) sim.memory().full_fence(sim.view());
  if (sim.tracing()) sim.trace("stores atomic %d: %llu", word_, shown(bits));
}

uint64_t AtomicBits::begin_change(std::memory_order order) {
  if (word_ < 0) return plain_;
  Simulation& sim = simulation();
  sim.point(false);
  if (order == std::memory_order_seq_cst && sim.x86()) sim.memory().full_fence(sim.view());
  return sim.memory().newest(word_);
}

void AtomicBits::end_change(uint64_t bits, std::memory_order order) {
  plain_ = bits;
  if (word_ < 0) return;
  Simulation& sim = simulation();
  const bool acquire = acquires(order) && !sim.omits(Omission::kRingLockAcquire);
  sim.memory().replace(sim.view(), word_, bits, acquire, releases(order));
  // On x86 it locks the bus, on others it is no fence.
  if (order == std::memory_order_seq_cst && sim.x86() &&
      !(sim.omits(Omission::kFullBarrierOfWriter) && sim.role() == Role::kWriter)) {
    sim.memory().full_fence(sim.view());
  }
  if (sim.tracing()) sim.trace("changes atomic %d to %llu", word_, shown(bits));
}

uint64_t AtomicBits::exchange_bits(uint64_t bits, std::memory_order order) {
  const uint64_t old = begin_change(order);
  end_change(bits, order);
  return old;
}

bool AtomicBits::compare_exchange_bits(uint64_t& expected, uint64_t desired, std::memory_order order,
                                       std::memory_order failure, bool weak) {
  if (word_ >= 0) {
    Simulation& sim = simulation();
    sim.point(true);
    if (sim.memory().newest(word_) != expected || (weak && sim.random().one_in(8))) {
      expected = sim.memory().load(sim.view(), word_, acquires(failure));
      return false;
    }
  } else if (plain_ != expected) {
    expected = plain_;
    return false;
  }
  end_change(desired, order);
  return true;
}

void AtomicBits::wait_bits(uint64_t old, std::memory_order order) const {
  Simulation& sim = simulation();
  while (load_bits(order) == old && !sim.aborting()) {
    // As a futex: the sleep begins only while the newest value is the one expected.
    if (sim.memory().newest(word_) == old) sim.sleep(this, "an atomic");
  }
}

void AtomicBits::notify(bool all) {
  Simulation& sim = simulation();
  sim.point(false);
  sim.wake(this, all);
}

}  // namespace schedule
}  // namespace eventd
