// Stands in for src/kmes/ring_futex.h: sleeping in a simulation, where nothing times out.
#pragma once

#include <cstdint>

namespace eventd::kmes {

int futex_wait(uint32_t* word, uint32_t expected, int64_t timeout_ns);
void futex_wake_all(uint32_t* word);

}  // namespace eventd::kmes
