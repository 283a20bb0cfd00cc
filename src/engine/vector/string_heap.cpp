#include <algorithm>

#include "engine/vector/heap_meter.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

namespace {
constexpr size_t kFirstBlockBytes = 1024;
constexpr size_t kBlockBytesMax = size_t{256} << 10;
// What an empty string points to: kernels may pass it to memcpy, which takes no null pointer.
char empty_bytes[1] = {};
}  // namespace

char* StringHeap::allocate(size_t size) {
  if (size == 0) return empty_bytes;
  if (size > left_) {
    // Blocks grow with the heap, so that a batch of short strings costs few allocations and a
    // single one little memory. A large value gets a block of its own; the current one goes on.
    const size_t block = std::clamp(bytes_allocated_, kFirstBlockBytes, kBlockBytesMax);
    if (size > block / 4) {
      blocks_.push_back(std::unique_ptr<char[]>(new char[size]));
      bytes_allocated_ += size;
      HeapMeter::add(size);
      return blocks_.back().get();
    }
    blocks_.push_back(std::unique_ptr<char[]>(new char[block]));
    bytes_allocated_ += block;
    HeapMeter::add(block);
    next_ = blocks_.back().get();
    left_ = block;
  }
  char* result = next_;
  next_ += size;
  left_ -= size;
  return result;
}

StringRef StringHeap::add(std::string_view bytes) {
  char* copy = allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return {copy, static_cast<uint32_t>(bytes.size())};
}

}  // namespace eventd::engine
