#include "engine/plan/stack_guard.h"

#include <pthread.h>

#include <cstddef>
#include <cstdint>

#include "interrupt.h"

namespace eventd::engine {
namespace {

// Enough for one level of any recursion here and for what it calls (allocation, formatting).
constexpr size_t kReserveBytes = 128 * 1024;

uintptr_t lowest_allowed_address() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  size_t size = 0;
  const int failed = pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  if (failed != 0) return 0;
  const size_t reserve = size / 4 < kReserveBytes ? size / 4 : kReserveBytes;
  return reinterpret_cast<uintptr_t>(lowest) + reserve;
}

}  // namespace

Status check_stack_depth() {
  thread_local const uintptr_t lowest_allowed = lowest_allowed_address();
  if (reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < lowest_allowed) {
    return {sqlstate::kStatementTooComplex, "stack depth limit exceeded"};
  }
  constexpr uint32_t kCallsBetweenLooks = 64;
  thread_local uint32_t calls = 0;
  return ++calls % kCallsBetweenLooks == 0 ? check_interrupt() : Status();
}

}  // namespace eventd::engine
