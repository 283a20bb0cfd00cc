#include "kmes/ring_data.h"

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>

#include "kernel/uapi/kmes.h"
#include "kmes/cpu_topology.h"

namespace eventd::kmes {
namespace {

constexpr size_t kTransparentBytes = 2 << 20;  // of x86-64; elsewhere a wrong guess costs only speed
constexpr size_t kLongBits = sizeof(unsigned long) * CHAR_BIT;
constexpr uint32_t kNodesMax = 1024;

Status too_few_huge_pages(uint64_t capacity_bytes) {
  Error error;
  error.code = sqlstate::kOutOfMemory;
  error.message = "no huge pages for an event ring of " + std::to_string(capacity_bytes) + " bytes";
  error.hint = "Reserve some (vm.nr_hugepages), or set huge_pages = try.";
  return error;
}

/// Reserved huge pages, taken out of the pool for good.
Result<RingData> create_huge(uint64_t capacity_bytes) {
  RingData data;
  UniqueFd probe(memfd_create("kmes-data", MFD_CLOEXEC | MFD_HUGETLB));
  struct stat status{};
  if (!probe.valid() || fstat(probe.get(), &status) != 0) return too_few_huge_pages(capacity_bytes);
  data.alignment_bytes = static_cast<size_t>(status.st_blksize);
  if (data.alignment_bytes == 0 || capacity_bytes % data.alignment_bytes != 0) {
    return {sqlstate::kInvalidParameterValue,
            "with huge_pages = on the ring capacity must be a multiple of " +
                std::to_string(data.alignment_bytes) + " bytes"};
  }
  ASSIGN_OR_RETURN(data.fd, create_sealed_memfd("kmes-data", capacity_bytes, MFD_HUGETLB));
  // Mapping reserves the pages for the file's life.
  void* mapped = mmap(nullptr, capacity_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, data.fd.get(), 0);
  if (mapped == MAP_FAILED) return too_few_huge_pages(capacity_bytes);
  munmap(mapped, capacity_bytes);
  return data;
}

/// Best effort: the nearest memory is faster, any memory works.
void prefer_node_of(uint16_t cpu_id, uint8_t* data, size_t mapped_bytes) {
  if (node_ids().size() < 2) return;
  const auto node = node_of_cpu(cpu_id);
  if (!node || *node >= kNodesMax) return;
  std::array<unsigned long, kNodesMax / kLongBits> mask{};
  mask[*node / kLongBits] = 1UL << (*node % kLongBits);
  // The policy of a shared mapping is the file's: it holds for the second half and all views too.
  (void)syscall(SYS_mbind, data, mapped_bytes, MPOL_PREFERRED, mask.data(), kNodesMax + 1, 0);
}

}  // namespace

Status ring_memory_error(const char* what) {
  const int error = errno;
  return {sqlstate::kOutOfMemory,
          std::string("could not ") + what + " of an event ring: " + std::strerror(error)};
}

Result<UniqueFd> create_sealed_memfd(const char* name, uint64_t size, unsigned flags) {
  UniqueFd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags));
  if (!fd.valid()) return ring_memory_error("create the memory");
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0)
    return ring_memory_error("size the memory");
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return ring_memory_error("seal the memory");
  return fd;
}

Result<RingData> create_ring_data(uint64_t capacity_bytes, HugePages huge_pages) {
  if (huge_pages != HugePages::kOff) {
    auto huge = create_huge(capacity_bytes);
    if (huge.ok() || huge_pages == HugePages::kOn) return huge;
  }
  RingData data;
  data.transparent = huge_pages == HugePages::kTry && capacity_bytes % kTransparentBytes == 0;
  data.alignment_bytes = data.transparent ? kTransparentBytes : KMES_PAGE_SIZE;
  ASSIGN_OR_RETURN(data.fd, create_sealed_memfd("kmes-data", capacity_bytes));
  return data;
}

Status populate_ring_data(uint8_t* data, size_t mapped_bytes, uint16_t cpu_id) {
  prefer_node_of(cpu_id, data, mapped_bytes);
#ifdef MADV_POPULATE_WRITE
  // A kernel before 5.14 doesn't know it: pages then come when they are first written.
  if (madvise(data, mapped_bytes, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
    return ring_memory_error("allocate the memory");
#endif
  return {};
}

}  // namespace eventd::kmes
