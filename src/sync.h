// What threads wait and synchronise with, under names that the schedule tests can replace: there the
// threads are fibers and a seed decides which one goes on (tests/unit/schedule). Used by code those
// tests compile; everywhere else these are the standard library's, and std's may be used directly.
#pragma once

#ifdef EVENTD_SCHEDULED_SYNC
#include EVENTD_SCHEDULED_SYNC
#else

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace eventd {

using Mutex = std::mutex;
/// Waits with a std::unique_lock<Mutex>.
using CondVar = std::condition_variable;
using Thread = std::thread;
template <class T>
using Atomic = std::atomic<T>;
/// Lets at least `time` go by.
inline void sleep_for(std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); }

}  // namespace eventd

#endif
