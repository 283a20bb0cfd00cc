#include "engine/functions/row_guard.h"

#include <algorithm>
#include <string>

#include "sqlstate.h"

namespace eventd::engine {
namespace {

// What the values of several rows may hold together: a batch with more is evaluated in parts.
constexpr size_t kSharedBytes = 32 << 20;

constexpr const char* kTooLarge = "out of memory: the values of an expression need more than query_buffer";

}  // namespace

Status RowGuard::look(const StringHeap* heap) {
  work_ = 0;
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  if (heap == nullptr) return Status();
  const size_t limit = rows_ > 1 ? std::min(kSharedBytes, context_.value_bytes_limit) : context_.value_bytes_limit;
  return heap->bytes_allocated() > limit ? values_too_large(context_) : Status();
}

Status values_too_large(const EvalContext& context) {
  Error error;
  error.code = sqlstate::kOutOfMemory;
  error.message = kTooLarge;
  error.detail = "query_buffer is " + std::to_string(context.value_bytes_limit >> 20) + " MB.";
  error.hint = "Make shorter values or raise query_buffer.";
  return error;
}

bool is_values_too_large(const Error& error) {
  return error.code == sqlstate::kOutOfMemory && error.message == kTooLarge;
}

Status check_value_bytes(const EvalContext& context, size_t bytes) {
  return bytes > context.value_bytes_limit ? values_too_large(context) : Status();
}

}  // namespace eventd::engine
