// States of one aggregate outside a hash table.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "engine/functions/function.h"

namespace eventd::engine {

/// Some states of one aggregate, side by side. Owned by one thread at a time.
class AggregateStates {
 public:
  AggregateStates(const AggregateFunction& function, size_t count)
      : function_(function), count_(count), stride_((function.state_size + 15) / 16 * 16),
        bytes_(new std::byte[std::max<size_t>(1, count) * stride_]()) {
    if (function_.init == nullptr) return;
    for (size_t i = 0; i < count_; ++i) function_.init(at(i));
  }
  ~AggregateStates() {
    if (function_.destroy == nullptr) return;
    for (size_t i = 0; i < count_; ++i) function_.destroy(at(i));
  }
  AggregateStates(const AggregateStates&) = delete;
  AggregateStates& operator=(const AggregateStates&) = delete;

  void* at(size_t i) { return bytes_.get() + i * stride_; }
  /// State `i` of no rows again.
  void clear(size_t i) {
    if (function_.destroy != nullptr) function_.destroy(at(i));
    std::memset(at(i), 0, stride_);
    if (function_.init != nullptr) function_.init(at(i));
  }
  size_t memory_bytes() {
    size_t bytes = count_ * stride_;
    if (function_.memory_bytes == nullptr) return bytes;
    for (size_t i = 0; i < count_; ++i) bytes += function_.memory_bytes(at(i));
    return bytes;
  }

 private:
  const AggregateFunction& function_;
  const size_t count_, stride_;
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace eventd::engine
