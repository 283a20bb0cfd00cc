// The shared memory of one ring: producer page, consumer page, data mapped twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernel/uapi/kmes.h"
#include "kmes/ring_data.h"
#include "result.h"
#include "sync.h"
#include "unique_fd.h"

namespace eventd::kmes {

/// Readers that may be attached to one user-mode ring at a time (the creator's own view not counted).
inline constexpr uint32_t kAttachmentsMax = 31;

class RingMapping;

/// What all views of one user-mode ring share: its two memfds and a table of consumer pages, one
/// per view, which the producer scans after publishing. Thread-safe.
///
/// An emitter looks for sleepers after it has let go of the ring, which may be replaced by then.
/// Therefore UserRings keeps this object, and it keeps its control pages, as long as anything emits;
/// the data goes with the last view, and the rest serves a later generation (renew()).
class RingMemory {
 public:
  /// Control pages only. 53200 when there is no memory for them.
  static Result<std::shared_ptr<RingMemory>> create();
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;
  ~RingMemory();

  /// An empty ring, generation 1, with data of its own. Errors of create_ring_data().
  /// REQUIRES: !in_use().
  Status renew(uint16_t cpu_id, uint64_t capacity_bytes, HugePages huge_pages);
  /// True while there is a view.
  bool in_use() const;

  int control_fd() const { return control_.get(); }
  const RingData& data() const { return data_; }
  uint64_t capacity() const { return capacity_; }
  /// The producer page, always writable.
  kmes_producer_page& producer() const;
  /// Takes a free consumer page; -1 when all are taken. Slot 0 is the creator's.
  int take_slot();
  /// With the last one the data and the successor are let go.
  void give_back_slot(int slot);
  /// Byte offset of a slot's consumer page within control_fd().
  static uint64_t slot_offset(int slot) { return KMES_PAGE_SIZE * (1 + static_cast<uint64_t>(slot)); }

  /// True when some view asked to be woken; takes the request back, so that the emits that follow
  /// before the reader runs don't pay for another wake-up. REQUIRES: a full barrier since write_pos
  /// was published, and wake_all() afterwards when true.
  bool take_wake_requests();
  /// Moves futex_counter and wakes every sleeper.
  void wake_all();

  /// Where byte 0 of the ring lies in the stream of all that was ever written for its CPU. The
  /// position of an event in the stream is the same in every generation that has it.
  uint64_t origin() const { return origin_; }
  /// As born: the producer page's own moves on when the ring is replaced.
  uint64_t generation() const { return generation_; }
  /// REQUIRES: no reader knows the ring yet.
  void set_place(uint64_t origin, uint64_t generation) {
    origin_ = origin;
    generation_ = generation;
  }
  /// The ring that has replaced this one; null before. Before kmes_ring_retire().
  void set_successor(std::shared_ptr<RingMapping> successor);
  std::shared_ptr<RingMapping> successor() const;

 private:
  RingMemory() = default;
  UniqueFd control_;
  std::byte* pages_ = nullptr;  // producer page, then one consumer page per slot
  // Constant while in use.
  RingData data_;
  uint64_t capacity_ = 0;
  uint64_t origin_ = 0;
  uint64_t generation_ = 1;

  mutable Mutex mutex_;
  std::shared_ptr<RingMapping> successor_;  // GUARDED_BY(mutex_)
  Atomic<uint32_t> slots_{0};               // the last one is given back under mutex_
};

/// One mapping of one ring. Unmapped when destroyed. The pages are shared with the other side;
/// positions are accessed atomically (ring_atomics.h, RingReader). Immutable, so any thread may use
/// it; what the memory holds follows the ring protocol.
class RingMapping {
 public:
  /// 22023 unless a power of two within KMES_CAPACITY_MIN … MAX.
  static Status check_capacity(uint64_t capacity_bytes);
  /// A new user-mode ring in memfds, all its memory allocated, on the NUMA node of its CPU. Errors of
  /// check_capacity() and create_ring_data(). The creator's view is writable.
  static Result<std::unique_ptr<RingMapping>> create(uint16_t cpu_id, uint64_t capacity_bytes,
                                                     HugePages huge_pages = HugePages::kOff);
  /// The same in memory that is not in use.
  static Result<std::unique_ptr<RingMapping>> create_in(std::shared_ptr<RingMemory> memory,
                                                        uint16_t cpu_id, uint64_t capacity_bytes,
                                                        HugePages huge_pages);
  /// A second view of a user-mode ring with a consumer page of its own; everything else read-only.
  /// May outlive the view it came from. 53400 when kAttachmentsMax views exist.
  Result<std::unique_ptr<RingMapping>> attach() const;
  RingMapping(const RingMapping&) = delete;
  RingMapping& operator=(const RingMapping&) = delete;
  ~RingMapping();

  /// Read-only in an attached view.
  kmes_producer_page& producer() const { return *producer_; }
  /// This view's own consumer page.
  kmes_consumer_page& consumer() const { return *consumer_; }
  /// 2 × capacity bytes, the second half an alias of the first. Read-only in an attached view.
  uint8_t* data() const { return data_; }
  uint64_t capacity() const { return capacity_; }
  uint64_t mask() const { return capacity_ - 1; }
  const std::shared_ptr<RingMemory>& memory() const { return memory_; }
  /// False for the creator's view.
  bool attached() const { return slot_ != 0; }

  /// Producer side: full barrier, then the wake-up for every view that asked.
  void wake_if_needed() const;
  /// The same for a producer that has just had its full barrier.
  void wake_who_asked() const {
    if (memory_->take_wake_requests()) memory_->wake_all();
  }
  /// Wakes every sleeper unasked (RingReader::wake, a replaced ring).
  void wake_all() const { memory_->wake_all(); }

 private:
  RingMapping() = default;
  static Result<std::unique_ptr<RingMapping>> map(std::shared_ptr<RingMemory> memory, int slot,
                                                  bool writable);

  std::shared_ptr<RingMemory> memory_;
  int slot_ = -1;
  void* reserved_ = nullptr;  // address space, the mapping within it
  size_t reserved_bytes_ = 0;
  kmes_producer_page* producer_ = nullptr;
  kmes_consumer_page* consumer_ = nullptr;
  uint8_t* data_ = nullptr;
  uint64_t capacity_ = 0;
};

}  // namespace eventd::kmes
