// The memory of a ring's data: normal or huge pages, on the NUMA node of the ring's CPU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "result.h"
#include "unique_fd.h"

namespace eventd::kmes {

/// Setting huge_pages, as PostgreSQL has it: off asks for none; try takes reserved ones
/// (vm.nr_hugepages) where there are enough, else lets the kernel make transparent ones; on fails
/// where there are not enough reserved ones.
enum class HugePages : uint8_t { kOff, kTry, kOn };

/// A sealed memfd of the data's size.
struct RingData {
  UniqueFd fd;
  /// Views begin at a multiple of it: the size of a huge page, or of a normal one.
  size_t alignment_bytes = 0;
  /// Transparent huge pages are to be asked for in every view.
  bool transparent = false;
};

/// 53200 when there is no memory, with `on` also when there are too few huge pages; 22023 with `on`
/// when `capacity_bytes` is not a multiple of a huge page.
Result<RingData> create_ring_data(uint64_t capacity_bytes, HugePages huge_pages);

/// Allocates all pages of a new ring's writable view, as near to `cpu_id` as there are any, so that
/// a lack of memory is an error now (53200) and not a signal while an event is written.
Status populate_ring_data(uint8_t* data, size_t mapped_bytes, uint16_t cpu_id);

/// 53200 from errno.
Status ring_memory_error(const char* what);

/// A memfd whose size can't change any more: no mapping of it ever faults past its end. `flags`:
/// further MFD_ ones.
Result<UniqueFd> create_sealed_memfd(const char* name, uint64_t size, unsigned flags = 0);

}  // namespace eventd::kmes
