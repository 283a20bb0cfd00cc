// A ProtocolSession from the first byte to the first ReadyForQuery.
#include <array>

#include "clock.h"
#include "engine/settings/settings.h"
#include "pgwire/protocol_session.h"

namespace eventd::pgwire {
namespace {

/// After a wrong password: guessing over one connection after another stays slow.
constexpr int64_t kRefusalDelayNs = 250'000'000;
constexpr std::string_view kServerVersion = "15.0 (eventd 0.1.0)";

/// What PostgreSQL reports at start-up, in its order, with a value for what is no setting of ours.
struct Reported {
  std::string_view name, fallback;
};
constexpr std::array<Reported, 13> kReported{{
    {"application_name", ""},
    {"client_encoding", "UTF8"},
    {"DateStyle", "ISO, MDY"},
    {"default_transaction_read_only", "off"},
    {"in_hot_standby", "off"},
    {"integer_datetimes", "on"},
    {"IntervalStyle", "postgres"},
    {"is_superuser", ""},
    {"server_encoding", "UTF8"},
    {"server_version", ""},
    {"session_authorization", ""},
    {"standard_conforming_strings", "on"},
    {"TimeZone", "Etc/UTC"},
}};

}  // namespace

bool ProtocolSession::run_startup() {
  Frame frame;
  if (startup_->expects_startup_packet()) {
    switch (next_startup_frame(input_.readable(), frame)) {
      case FrameResult::kNeedMore: return false;
      case FrameResult::kBad:
        fatal(sqlstate::kProtocolViolation, "invalid length of startup packet");
        return true;
      case FrameResult::kFrame: break;
    }
    const Startup::Next next = startup_->on_startup_packet(frame.body, tls_, out_);
    input_.consume(frame.bytes);
    apply(next);
    return next != Startup::Next::kStartTls;
  }
  switch (next_frame(input_.readable(), kAuthenticationMessageBytesMax, frame)) {
    case FrameResult::kNeedMore: return false;
    case FrameResult::kBad:
      fatal(sqlstate::kProtocolViolation, "invalid message length");
      return true;
    case FrameResult::kFrame: break;
  }
  if (frame.type != static_cast<char>(FrontendType::kPassword)) {
    fatal(sqlstate::kProtocolViolation,
          "expected SASL response, got message type " +
              std::to_string(static_cast<unsigned char>(frame.type)));
    return true;
  }
  const Startup::Next next = startup_->on_password_message(frame.body, out_);
  input_.consume(frame.bytes);
  apply(next);
  return true;
}

void ProtocolSession::apply(Startup::Next next) {
  switch (next) {
    case Startup::Next::kContinue: break;
    case Startup::Next::kStartTls:
      input_.clear();  // plaintext that came with the request must not be taken for TLS's
      wants_tls_ = true;
      break;
    case Startup::Next::kAuthenticated: begin_session(); break;
    case Startup::Next::kRefuse:
      refusal_.swap(out_);
      refusal_due_ns_ = Clock::system().monotonic_ns() + kRefusalDelayNs;
      activity_ = Activity::kRefused;
      break;
    case Startup::Next::kClose: activity_ = Activity::kClosed; break;
  }
}

void ProtocolSession::begin_session() {
  if (!backend_.acquire_slot(startup_->superuser())) {
    fatal(sqlstate::kTooManyConnections, "sorry, too many clients already");
    return;
  }
  slot_taken_ = true;
  engine::SessionIdentity identity;
  identity.role = startup_->user();
  identity.database = startup_->database();
  identity.superuser = startup_->superuser();
  identity.client_address = startup_->peer().address_text;
  session_ = backend_.make_session(identity);
  engine::SessionSettings& settings = session_->settings();
  for (const auto& [name, value] : startup_->settings()) {
    if (Status status = settings.set_startup(name, value); !status.ok()) {
      fatal(status.error().code, status.error().message);
      return;
    }
  }
  for (const Reported& reported : kReported) {
    std::string value(reported.fallback);
    if (reported.name == "is_superuser") value = identity.superuser ? "on" : "off";
    else if (reported.name == "session_authorization") value = identity.role;
    else if (reported.name == "server_version") value = kServerVersion;
    else if (auto setting = settings.get(reported.name)) value = setting->text;
    writer().parameter_status(reported.name, value);
  }
  (void)settings.take_reports();
  read_settings();
  session_->on_cancel(host_.make_cancel_wake());
  writer().backend_key_data(session_->backend_pid(), session_->secret_key());
  startup_.reset();
  ready_for_query();
}

}  // namespace eventd::pgwire
