// The shared memory of one ring: producer page, consumer page, data mapped twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernel/uapi/kmes.h"
#include "result.h"
#include "unique_fd.h"

namespace eventd::kmes {

/// One mapping of one ring. Unmapped when destroyed. The pages are shared with the other side;
/// positions are accessed through std::atomic_ref by RingWriter and RingReader.
class RingMapping {
 public:
  /// A new user-mode ring in a memfd (huge pages are a later matter). `capacity_bytes`: power of
  /// two within KMES_CAPACITY_MIN … MAX, else 22023. The creator's view is writable.
  static Result<std::unique_ptr<RingMapping>> create(uint16_t cpu_id, uint64_t capacity_bytes);
  /// A second view of a user-mode ring with a consumer page of its own; everything else read-only.
  Result<std::unique_ptr<RingMapping>> attach() const;
  RingMapping(const RingMapping&) = delete;
  RingMapping& operator=(const RingMapping&) = delete;
  ~RingMapping();

  kmes_producer_page& producer() const { return *producer_; }
  kmes_consumer_page& consumer() const { return *consumer_; }
  /// Consumer page whose need_wake the producer must look at: the latest attachment's, or own.
  uint8_t* data() const { return data_; }
  uint64_t capacity() const { return capacity_; }
  uint64_t mask() const { return capacity_ - 1; }

 private:
  RingMapping() = default;
  UniqueFd memory_;
  std::byte* base_ = nullptr;
  size_t mapped_bytes_ = 0;
  kmes_producer_page* producer_ = nullptr;
  kmes_consumer_page* consumer_ = nullptr;
  uint8_t* data_ = nullptr;
  uint64_t capacity_ = 0;
};

}  // namespace eventd::kmes
