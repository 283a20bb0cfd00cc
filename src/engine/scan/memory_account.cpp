#include "engine/scan/memory_account.h"

#include "sqlstate.h"

namespace eventd::engine {
namespace {

Status out_of_memory(const char* message, const char* hint) {
  Error error;
  error.code = sqlstate::kOutOfMemory;
  error.message = message;
  error.hint = hint;
  return error;
}

}  // namespace

bool MemoryPool::try_reserve(size_t bytes) {
  size_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    const size_t capacity = capacity_bytes_.load(std::memory_order_relaxed);
    // The capacity may have been lowered below what is in use.
    if (used > capacity || bytes > capacity - used) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

Status MemoryAccount::grow(size_t bytes) {
  size_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_bytes_ || used > limit_bytes_ - bytes) {
      return out_of_memory("out of memory: the query needs more than query_buffer",
                           "Narrow the query or raise query_buffer.");
    }
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  if (!pool_.try_reserve(bytes)) {
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return out_of_memory("out of memory: all queries together have reached query_memory",
                         "Try again when other queries have finished, or raise query_memory.");
  }
  const size_t now = used + bytes;
  size_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (now > peak &&
         !peak_bytes_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return {};
}

bool MemoryAccount::try_grow(size_t bytes, size_t held) {
  if (bytes > limit_bytes_ || held > limit_bytes_ - bytes) return false;
  if (held + bytes > limit_bytes_ / 16) {
    const size_t capacity = pool_.capacity_bytes();
    if (used_bytes() + bytes > limit_bytes_ / 4 * 3) return false;
    if (pool_.used_bytes() + bytes > capacity / 8 * 7) return false;
  }
  return grow(bytes).ok();
}

void MemoryAccount::shrink(size_t bytes) {
  used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  pool_.release(bytes);
}

}  // namespace eventd::engine
