// A statement's cancel token as what its threads ask when no context is at hand.
#pragma once

#include "engine/scan/cancel_token.h"
#include "interrupt.h"

namespace eventd::engine {

/// While it lives, check_interrupt() on this thread asks `token` (borrowed; null = whoever was asked
/// before).
class CancelScope {
 public:
  explicit CancelScope(const CancelToken* token)
      : scope_(token == nullptr ? InterruptScope::current() : InterruptSource{&check, token}) {}

 private:
  static Status check(const void* token) { return static_cast<const CancelToken*>(token)->check(); }
  const InterruptScope scope_;
};

}  // namespace eventd::engine
