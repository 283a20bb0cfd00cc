#include "support/schedule/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
// swapcontext() saves the signal mask with a system call each time, which would be most of a schedule.
extern "C" void eventd_switch_stack(void** save, void* resume);
asm(R"(
  .text
  .type eventd_switch_stack, @function
eventd_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size eventd_switch_stack, .-eventd_switch_stack
)");
#endif

namespace eventd::schedule {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kStackBytes = 256 << 10;

Fiber* g_leaving = nullptr;   // the fiber that handed over
Fiber* g_arriving = nullptr;  // the fiber that goes on

}  // namespace

Fiber::~Fiber() {
  if (stack_ != nullptr) munmap(stack_ - kPageBytes, kPageBytes + kStackBytes);
}

void Fiber::prepare(void (*entry)()) {
  if (stack_ == nullptr) {
    void* memory = mmap(nullptr, kPageBytes + kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, kPageBytes, PROT_NONE) != 0) std::abort();
    stack_ = static_cast<std::byte*>(memory) + kPageBytes;
  }
  entry_ = entry;
  bottom_ = stack_;
  size_ = kStackBytes;
  fake_stack_ = nullptr;
#if defined(__x86_64__)
  // As eventd_switch_stack() leaves it: six registers and where to go on. The stack is then aligned
  // as after a call.
  auto* top = reinterpret_cast<uintptr_t*>(stack_ + kStackBytes) - 1;
  *--top = reinterpret_cast<uintptr_t>(&Fiber::enter);
  for (int i = 0; i < 6; ++i) *--top = 0;
  stack_pointer_ = top;
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_;
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  makecontext(&context_, &Fiber::enter, 0);
#endif
}

void Fiber::enter() {
  Fiber& self = *g_arriving;
  self.arrived();
  self.entry_();
  std::abort();
}

void Fiber::arrived() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &g_leaving->bottom_, &g_leaving->size_);
#endif
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
  g_leaving = &from;
  g_arriving = &to;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.bottom_, to.size_);
#endif
#if defined(__x86_64__)
  eventd_switch_stack(&from.stack_pointer_, to.stack_pointer_);
#else
  swapcontext(&from.context_, &to.context_);
#endif
  from.arrived();
}

}  // namespace eventd::schedule
