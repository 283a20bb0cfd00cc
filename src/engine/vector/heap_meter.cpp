#include "engine/vector/heap_meter.h"

#include <algorithm>

namespace eventd::engine {
namespace {

thread_local size_t metered_bytes = 0;

}  // namespace

HeapMeter::HeapMeter() : outer_bytes_(metered_bytes) { metered_bytes = 0; }
HeapMeter::~HeapMeter() { metered_bytes = outer_bytes_; }
size_t HeapMeter::bytes() { return metered_bytes; }
void HeapMeter::add(size_t bytes) { metered_bytes += bytes; }
void HeapMeter::settle(size_t before, size_t kept) { metered_bytes = std::min(metered_bytes, before + kept); }

}  // namespace eventd::engine
