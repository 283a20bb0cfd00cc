// A stack and a place in a function: what the threads of a scenario run on.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace eventd::schedule {

/// One flow of control that hands over by name. All fibers of a simulation belong to one OS thread. A
/// default-constructed one stands for the flow that is there already.
class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// The next switch to it runs `entry`, which must never return.
  void prepare(void (*entry)());
  /// Leaves the running fiber `from` here and goes on in `to`.
  static void switch_to(Fiber& from, Fiber& to);

 private:
  static void enter();
  void arrived();

  std::byte* stack_ = nullptr;  // mapped, with a guard page below
  void (*entry_)() = nullptr;
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_{};
#endif
  // What AddressSanitizer has to be told.
  const void* bottom_ = nullptr;
  size_t size_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace eventd::schedule
