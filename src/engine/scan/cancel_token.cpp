#include "engine/scan/cancel_token.h"

#include "clock.h"
#include "sqlstate.h"

namespace eventd::engine {

bool CancelToken::cancelled() const {
  if (reason_.load(std::memory_order_relaxed) != Reason::kNone) return true;
  const int64_t deadline_ns = deadline_ns_.load(std::memory_order_relaxed);
  if (deadline_ns == 0 || Clock::system().monotonic_ns() < deadline_ns) return false;
  Reason none = Reason::kNone;
  reason_.compare_exchange_strong(none, Reason::kStatementTimeout, std::memory_order_relaxed);
  return true;
}

Status CancelToken::check() const {
  if (!cancelled()) return {};
  switch (reason_.load(std::memory_order_relaxed)) {
    case Reason::kStatementTimeout:
      return {sqlstate::kQueryCanceled, "canceling statement due to statement timeout"};
    case Reason::kShutdown:
      return {sqlstate::kAdminShutdown, "terminating connection due to administrator command"};
    case Reason::kConnectionLost:
      return {sqlstate::kConnectionFailure, "connection to client lost"};
    case Reason::kUserRequest:
    case Reason::kNone: break;
  }
  return {sqlstate::kQueryCanceled, "canceling statement due to user request"};
}

}  // namespace eventd::engine
