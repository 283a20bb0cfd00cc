// Functions that only look at NULLs. AND, OR, NOT and IS … are expressions, not functions.
#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"

namespace eventd::engine {
namespace {

template <bool kNulls>
Status count_nulls(const CallFrame& frame, Vector& result) {
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    int32_t count = 0;
    for (const Vector& argument : frame.arguments) count += argument.is_null(row) == kNulls;
    out.data<int32_t>()[row] = count;
    return Status();
  });
}

}  // namespace

void register_boolean(FunctionCatalog::Builder& builder) {
  builder.builtin("num_nulls(any)", count_nulls<true>);
  builder.builtin("num_nonnulls(any)", count_nulls<false>);
}

}  // namespace eventd::engine
