// Memory of queries: one pool for the server, one account a query.
#pragma once

#include <atomic>
#include <cstddef>

#include "result.h"

namespace eventd::engine {

/// What all queries together may hold (setting query_memory). Thread-safe.
class MemoryPool {
 public:
  explicit MemoryPool(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}
  bool try_reserve(size_t bytes);
  void release(size_t bytes) { used_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  void set_capacity(size_t bytes) { capacity_bytes_.store(bytes, std::memory_order_relaxed); }
  size_t capacity_bytes() const { return capacity_bytes_.load(std::memory_order_relaxed); }
  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> capacity_bytes_;
  std::atomic<size_t> used_bytes_{0};
};

/// What one query holds, bounded by query_buffer. Operators grow it in steps of what they keep
/// (hash tables, sort runs), not per value. Thread-safe; returns everything when destroyed.
class MemoryAccount {
 public:
  MemoryAccount(MemoryPool& pool, size_t limit_bytes) : pool_(pool), limit_bytes_(limit_bytes) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;
  ~MemoryAccount() { pool_.release(used_bytes_.load()); }

  /// OK, or 53200 naming the setting (query_buffer or query_memory) that was reached.
  Status grow(size_t bytes);
  /// For an operator that holds `held` bytes and can write them to disk instead: refuses where
  /// three quarters of query_buffer, or seven eighths of query_memory, would be passed. A sixteenth
  /// of query_buffer it gets even then, if it is there at all.
  bool try_grow(size_t bytes, size_t held);
  void shrink(size_t bytes);
  size_t limit_bytes() const { return limit_bytes_; }
  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  size_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

 private:
  MemoryPool& pool_;
  const size_t limit_bytes_;
  std::atomic<size_t> used_bytes_{0};
  std::atomic<size_t> peak_bytes_{0};
};

}  // namespace eventd::engine
