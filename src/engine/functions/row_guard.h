// Keeps the loop of a kernel from running on when nobody wants its rows any more, and from
// holding more bytes than a query may.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/functions/eval_context.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// One per loop, on its thread. Borrows the context.
class RowGuard {
 public:
  /// For a loop over `rows` rows.
  RowGuard(const EvalContext& context, uint32_t rows) : context_(context), rows_(rows) {}

  /// To be called after each row, which read and wrote `bytes` bytes. `heap` (may be null) holds
  /// what the loop has made so far. Errors: that of the cancel token; values_too_large().
  Status step(size_t bytes, const StringHeap* heap) {
    work_ += bytes + kRowWork;
    if (work_ < kWorkBetweenLooks) [[likely]] return Status();
    return look(heap);
  }

 private:
  /// In bytes: what a pass over memory costs, whose worst case is a few ns a byte; a row counts as
  /// 2 kB, so that slow rows are asked for often and quick ones don't feel it.
  static constexpr size_t kWorkBetweenLooks = 64 * 1024, kRowWork = 2 * 1024;

  Status look(const StringHeap* heap);

  const EvalContext& context_;
  const uint32_t rows_;
  size_t work_ = 0;
};

/// 53200: the values of a batch, or one value, need more than context.value_bytes_limit. Whoever
/// evaluates an expression over several rows may try again over fewer.
Status values_too_large(const EvalContext& context);
bool is_values_too_large(const Error& error);

/// OK, or values_too_large() for one value of `bytes` bytes. For functions whose results can be
/// much larger than their arguments, before they make them.
Status check_value_bytes(const EvalContext& context, size_t bytes);

}  // namespace eventd::engine
