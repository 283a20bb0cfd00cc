#include "pgwire/protocol_session.h"

namespace eventd::pgwire {
namespace {

/// Input kept while a statement runs (pipelining); more waits in the socket.
constexpr size_t kPipelinedBytesMax = 64 * 1024;

}  // namespace

ProtocolSession::ProtocolSession(Backend& backend, ConnectionHost& host, Peer peer,
                                 bool tls_available)
    : backend_(backend), host_(host), access_(backend.access()) {
  startup_.emplace(backend_, access_, std::move(peer), tls_available);
}

ProtocolSession::~ProtocolSession() {
  active_ = nullptr;
  portals_.clear();
  simple_portal_ = {};
  session_.reset();
  if (slot_taken_) backend_.release_slot();
}

void ProtocolSession::run() {
  if (wait_ == Wait::kOutput && out_.size() < kOutputBytesHigh / 2) wait_ = Wait::kNone;
  if (wait_ != Wait::kNone) return;
  if (std::exchange(timeout_paused_, false)) session_->resume_timeout();
  if (session_ != nullptr) session_->set_thread_spare(host_.thread_spare());
  run_until_blocked();
  if (waits_for_client()) {
    timeout_paused_ = true;
    session_->pause_timeout();
  }
}

void ProtocolSession::run_until_blocked() {
  while (wait_ == Wait::kNone) {
    switch (activity_) {
      case Activity::kStartup:
        if (!run_startup()) return;
        break;
      case Activity::kMessages:
        if (shutting_down_)
          fatal(sqlstate::kAdminShutdown, "terminating connection due to administrator command");
        else if (out_.size() >= kOutputBytesHigh) wait_ = Wait::kOutput;
        else if (!run_message()) return;
        break;
      case Activity::kCopyIn:
        if (!run_copy_message()) return;
        break;
      case Activity::kSimpleNext: run_simple_next(); break;
      case Activity::kPortal: run_portal(); break;
      case Activity::kCommit: run_commit(); break;
      case Activity::kRefused:
      case Activity::kClosed: return;
    }
  }
}

bool ProtocolSession::wants_input() const {
  switch (activity_) {
    case Activity::kClosed:
    case Activity::kRefused: return false;
    case Activity::kStartup: return true;
    case Activity::kMessages:
    case Activity::kCopyIn:
      if (wait_ == Wait::kNone) return true;  // the message at the front isn't complete
      [[fallthrough]];
    default: return input_.size() < kPipelinedBytesMax;
  }
}

bool ProtocolSession::take_wants_tls() { return std::exchange(wants_tls_, false); }

void ProtocolSession::fatal(SqlState code, std::string message) {
  writer().error(Severity::kFatal, make_error(code, std::move(message)));
  activity_ = Activity::kClosed;
}

void ProtocolSession::malformed(const Error& error) { fatal(error.code, error.message); }

void ProtocolSession::connection_lost() {
  lost_ = true;
  if (session_ != nullptr && wait_ != Wait::kNone)
    session_->cancel_token().cancel(engine::CancelToken::Reason::kConnectionLost);
  if (wait_ != Wait::kPool) activity_ = Activity::kClosed;
}

void ProtocolSession::shut_down() {
  shutting_down_ = true;
  const bool idle = activity_ == Activity::kMessages || activity_ == Activity::kCopyIn ||
                    activity_ == Activity::kStartup || activity_ == Activity::kRefused;
  if (idle && wait_ == Wait::kNone)
    fatal(sqlstate::kAdminShutdown, "terminating connection due to administrator command");
}

void ProtocolSession::cancel_for_shutdown() {
  if (session_ == nullptr || finished()) return;
  session_->cancel_token().cancel(engine::CancelToken::Reason::kShutdown);
  poll_again();
}

void ProtocolSession::cancel_requested() { poll_again(); }

/// The waiting call is repeated: it sees the cancel token, or takes a new wake and waits on.
void ProtocolSession::poll_again() {
  if (wait_ == Wait::kWake) wait_ = Wait::kNone;
}

int64_t ProtocolSession::next_deadline_ns() const {
  if (activity_ == Activity::kRefused) return refusal_due_ns_;
  if (session_ == nullptr) return kNever;
  if (wait_ == Wait::kWake) {
    const int64_t due = session_->deadline_ns();
    return due == 0 || due == seen_deadline_ns_ ? kNever : due;
  }
  if (activity_ != Activity::kMessages || wait_ != Wait::kNone || idle_since_ns_ == 0) return kNever;
  const int64_t timeout = session_->transaction_state() == engine::TransactionState::kIdle
                              ? idle_timeout_ns_
                              : idle_in_transaction_timeout_ns_;
  return timeout == 0 ? kNever : idle_since_ns_ + timeout;
}

void ProtocolSession::check_time(int64_t now_ns) {
  if (now_ns < next_deadline_ns()) return;
  if (activity_ == Activity::kRefused) {
    out_.swap(refusal_);
    activity_ = Activity::kClosed;
  } else if (wait_ == Wait::kWake) {
    seen_deadline_ns_ = session_->deadline_ns();
    poll_again();
  } else if (session_->transaction_state() == engine::TransactionState::kIdle) {
    fatal(sqlstate::kIdleSessionTimeout, "terminating connection due to idle-session timeout");
  } else {
    fatal(sqlstate::kIdleInTransactionSessionTimeout,
          "terminating connection due to idle-in-transaction timeout");
  }
}

void ProtocolSession::authentication_timed_out() {
  if (activity_ == Activity::kStartup) activity_ = Activity::kClosed;  // PostgreSQL only logs it
}

}  // namespace eventd::pgwire
