// What the values of one batch may take while expressions are evaluated over it.
#pragma once

#include <algorithm>

#include "engine/functions/row_guard.h"
#include "engine/vector/heap_meter.h"

namespace eventd::engine {

/// OK, or values_too_large() when evaluating over `rows` rows holds more strings than it may, as the
/// innermost HeapMeter tells: with several rows the batch is then evaluated in parts. A row by itself
/// may take a few times what one value may: arguments and results.
inline Status check_batch_bytes(const EvalContext& context, uint32_t rows) {
  constexpr size_t kBatchBytesMax = size_t{96} << 20;
  constexpr size_t kValuesOfARow = 3;
  const size_t limit = rows > 1 ? std::min(kBatchBytesMax, context.value_bytes_limit)
                                : kValuesOfARow * context.value_bytes_limit;
  return HeapMeter::bytes() > limit ? values_too_large(context) : Status();
}

}  // namespace eventd::engine
