#include "pgwire/protocol_session.h"

#include <array>
#include <cstdio>

#include "engine/settings/settings.h"
#include "pgwire/utf8.h"

namespace eventd::pgwire {
namespace {

/// Input kept while a statement runs (pipelining); more waits in the socket.
constexpr size_t kPipelinedBytesMax = 64 * 1024;
constexpr size_t kPortalsMax = 1024;
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

Error make_error(SqlState code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}

Error invalid_utf8() {
  return make_error(sqlstate::kCharacterNotInRepertoire,
                    "invalid byte sequence for encoding \"UTF8\"");
}

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
      case Activity::kClosed: return;
    }
  }
}

bool ProtocolSession::wants_input() const {
  switch (activity_) {
    case Activity::kClosed: return false;
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
                    activity_ == Activity::kStartup;
  if (idle && wait_ == Wait::kNone)
    fatal(sqlstate::kAdminShutdown, "terminating connection due to administrator command");
}

void ProtocolSession::cancel_for_shutdown() {
  if (session_ != nullptr && !finished())
    session_->cancel_token().cancel(engine::CancelToken::Reason::kShutdown);
}

void ProtocolSession::authentication_timed_out() {
  if (activity_ == Activity::kStartup) activity_ = Activity::kClosed;  // PostgreSQL only logs it
}

// --- Start-up ------------------------------------------------------------------------------------

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
  settings_version_ = settings.version();
  writer().backend_key_data(session_->backend_pid(), session_->secret_key());
  startup_.reset();
  ready_for_query();
}

// --- Messages ------------------------------------------------------------------------------------

bool ProtocolSession::run_message() {
  Frame frame;
  switch (next_frame(input_.readable(), access_->max_message_bytes, frame)) {
    case FrameResult::kNeedMore: return false;
    case FrameResult::kBad:
      if (is_frontend_type(frame.type)) fatal(sqlstate::kProtocolViolation, "invalid message length");
      else
        fatal(sqlstate::kProtocolViolation,
              "invalid frontend message type " +
                  std::to_string(static_cast<unsigned char>(frame.type)));
      return true;
    case FrameResult::kFrame: break;
  }
  dispatch(frame);
  input_.consume(frame.bytes);
  return true;
}

void ProtocolSession::dispatch(const Frame& frame) {
  const auto type = static_cast<FrontendType>(frame.type);
  if (type == FrontendType::kTerminate) {
    activity_ = Activity::kClosed;
    return;
  }
  if (skipping_until_sync_ && type != FrontendType::kSync) return;
  simple_ = false;
  switch (type) {
    case FrontendType::kQuery: return on_query(frame.body);
    case FrontendType::kParse: return on_parse(frame.body);
    case FrontendType::kBind: return on_bind(frame.body);
    case FrontendType::kDescribe: return on_describe(frame.body);
    case FrontendType::kExecute: return on_execute(frame.body);
    case FrontendType::kClose: return on_close(frame.body);
    case FrontendType::kSync:
      skipping_until_sync_ = false;
      activity_ = Activity::kCommit;
      return;
    case FrontendType::kFunctionCall: return on_function_call();
    case FrontendType::kFlush:  // what is ready is sent whenever input has run out
    case FrontendType::kCopyData:  // left over from a COPY that failed
    case FrontendType::kCopyDone:
    case FrontendType::kCopyFail:
      return;
    case FrontendType::kPassword:
      return fatal(sqlstate::kProtocolViolation, "unexpected password message");
    case FrontendType::kTerminate: return;
  }
}

void ProtocolSession::on_query(std::string_view body) {
  std::string_view text;
  if (Status status = decode_string(body, text); !status.ok()) return malformed(status.error());
  simple_ = true;
  statement_offset_ = 0;
  session_->close_prepared("");
  portals_.erase(std::string());
  if (!is_valid_utf8(text)) return statement_error(invalid_utf8());
  query_text_.assign(text);
  auto statements = engine::split_statements(query_text_);
  if (!statements.ok()) return statement_error(std::move(statements.error()));
  statements_ = std::move(*statements);
  next_statement_ = 0;
  if (statements_.empty()) {
    writer().empty(BackendType::kEmptyQueryResponse);
    activity_ = Activity::kCommit;
    return;
  }
  // PostgreSQL parses the whole string before it runs any of it.
  for (size_t i = 1; i < statements_.size(); ++i) {
    auto parsed = engine::parse_statement(statements_[i].text);
    if (parsed.ok()) continue;
    if (auto first = engine::parse_statement(statements_[0].text); !first.ok()) break;
    statement_offset_ = statements_[i].offset;
    return statement_error(std::move(parsed.error()));
  }
  activity_ = Activity::kSimpleNext;
}

void ProtocolSession::on_parse(std::string_view body) {
  if (Status status = decode_parse(body, parse_); !status.ok()) return malformed(status.error());
  if (!is_valid_utf8(parse_.query) || !is_valid_utf8(parse_.statement))
    return statement_error(invalid_utf8());
  session_->begin_statement(parse_.query);
  auto prepared = session_->prepare(parse_.query, parse_.parameter_types);
  if (!prepared.ok()) return statement_error(std::move(prepared.error()));
  if (Status status = session_->store_prepared(std::string(parse_.statement), std::move(*prepared));
      !status.ok())
    return statement_error(std::move(status).take_error());
  session_->end_statement();
  send_notices();
  writer().empty(BackendType::kParseComplete);
}

void ProtocolSession::on_bind(std::string_view body) {
  if (Status status = decode_bind(body, bind_); !status.ok()) return malformed(status.error());
  if (!is_valid_utf8(bind_.destination_portal)) return statement_error(invalid_utf8());
  auto found = session_->find_prepared(bind_.source_statement);
  if (!found.ok()) return statement_error(std::move(found.error()));
  const std::shared_ptr<const engine::Prepared>& prepared = *found;
  if (bind_.parameters.size() != prepared->parameter_types.size()) {
    return statement_error(make_error(
        sqlstate::kProtocolViolation,
        "bind message supplies " + std::to_string(bind_.parameters.size()) +
            " parameters, but prepared statement \"" + std::string(bind_.source_statement) +
            "\" requires " + std::to_string(prepared->parameter_types.size())));
  }
  for (const engine::WireParameter& parameter : bind_.parameters) {
    if (parameter.bytes && parameter.format == 0 && !is_valid_utf8(*parameter.bytes))
      return statement_error(invalid_utf8());
  }
  if (refuse_in_failed_transaction(*prepared)) return;
  if (bind_.destination_portal.empty()) {
    portals_.erase(std::string());
  } else if (portals_.contains(bind_.destination_portal)) {
    return statement_error(
        make_error(sqlstate::kDuplicateCursor,
                   "cursor \"" + std::string(bind_.destination_portal) + "\" already exists"));
  }
  if (portals_.size() >= kPortalsMax)
    return statement_error(make_error(sqlstate::kConfigurationLimitExceeded,
                                      "too many open portals (" + std::to_string(kPortalsMax) + ")"));
  const size_t formats = bind_.result_formats.size();
  if (prepared->returns_rows && formats > 1 && formats != prepared->columns.size()) {
    return statement_error(make_error(
        sqlstate::kProtocolViolation, "bind message has " + std::to_string(formats) +
                                          " result formats but query has " +
                                          std::to_string(prepared->columns.size()) + " columns"));
  }
  session_->begin_statement(prepared->statement ? std::string_view(prepared->statement->text)
                                                : std::string_view());
  auto portal = session_->bind(prepared, bind_.parameters);
  if (!portal.ok()) return statement_error(std::move(portal.error()));
  OpenPortal& open = portals_[std::string(bind_.destination_portal)];
  open.prepared = prepared;
  open.portal = std::move(*portal);
  open.formats = bind_.result_formats;
  session_->end_statement();
  send_notices();
  writer().empty(BackendType::kBindComplete);
}

void ProtocolSession::on_describe(std::string_view body) {
  Target target;
  if (Status status = decode_target(body, target); !status.ok()) return malformed(status.error());
  if (target.kind == 'S') {
    auto found = session_->find_prepared(target.name);
    if (!found.ok()) return statement_error(std::move(found.error()));
    const engine::Prepared& prepared = **found;
    if (prepared.returns_rows && refuse_in_failed_transaction(prepared)) return;
    writer().parameter_description(prepared.parameter_types);
    if (prepared.returns_rows) writer().row_description(prepared.columns, {});
    else writer().empty(BackendType::kNoData);
    return;
  }
  const auto found = portals_.find(target.name);
  if (found == portals_.end())
    return statement_error(make_error(sqlstate::kInvalidCursorName,
                                      "portal \"" + std::string(target.name) + "\" does not exist"));
  const OpenPortal& open = found->second;
  if (open.prepared->returns_rows && refuse_in_failed_transaction(*open.prepared)) return;
  if (open.prepared->returns_rows && open.portal != nullptr)
    writer().row_description(open.portal->columns(), open.formats);
  else
    writer().empty(BackendType::kNoData);
}

void ProtocolSession::on_execute(std::string_view body) {
  Execute execute;
  if (Status status = decode_execute(body, execute); !status.ok()) return malformed(status.error());
  const auto found = portals_.find(execute.portal);
  if (found == portals_.end())
    return statement_error(make_error(sqlstate::kInvalidCursorName,
                                      "portal \"" + std::string(execute.portal) + "\" does not exist"));
  OpenPortal& open = found->second;
  if (refuse_in_failed_transaction(*open.prepared)) return;
  const bool rows = open.portal != nullptr && open.portal->kind() == engine::Portal::Kind::kRows;
  if (open.portal == nullptr || (open.done && !rows && !open.portal->is_empty_query()))
    return statement_error(make_error(sqlstate::kObjectNotInPrerequisiteState,
                                      "portal \"" + std::string(execute.portal) + "\" cannot be run"));
  active_ = &open;
  row_limit_ = rows ? execute.row_limit : 0;
  rows_sent_ = 0;
  session_->begin_statement(open.prepared->statement
                                ? std::string_view(open.prepared->statement->text)
                                : std::string_view());
  begin_output(open, false);
}

void ProtocolSession::on_close(std::string_view body) {
  Target target;
  if (Status status = decode_target(body, target); !status.ok()) return malformed(status.error());
  if (target.kind == 'S') {
    session_->close_prepared(target.name);
  } else if (const auto found = portals_.find(target.name); found != portals_.end()) {
    portals_.erase(found);
  }
  writer().empty(BackendType::kCloseComplete);
}

void ProtocolSession::on_function_call() {
  simple_ = true;  // answered by ReadyForQuery like a Query
  statement_offset_ = 0;
  statement_error(make_error(sqlstate::kFeatureNotSupported,
                             "fastpath function calls are not supported"));
}

bool ProtocolSession::run_copy_message() {
  Frame frame;
  switch (next_frame(input_.readable(), access_->max_message_bytes, frame)) {
    case FrameResult::kNeedMore: return false;
    case FrameResult::kBad:
      fatal(sqlstate::kProtocolViolation, "invalid message during COPY from stdin");
      return true;
    case FrameResult::kFrame: break;
  }
  engine::CopyIn& copy = *active_->portal->copy_in();
  std::optional<Error> error;
  switch (static_cast<FrontendType>(frame.type)) {
    case FrontendType::kCopyData: {
      auto taken = copy.consume(as_bytes(frame.body), next_wake());
      if (!taken.ok()) {
        error = std::move(taken.error());
      } else if (*taken == engine::Progress::kWaiting) {
        wait_ = Wait::kWake;  // the message stays at the front and is offered again
        return true;
      }
      break;
    }
    case FrontendType::kCopyDone:
      if (Status status = copy.finish(); !status.ok()) error = std::move(status).take_error();
      else activity_ = Activity::kPortal;
      break;
    case FrontendType::kCopyFail: {
      std::string_view reason;
      (void)decode_string(frame.body, reason);
      error = make_error(sqlstate::kQueryCanceled,
                         "COPY from stdin failed: " + std::string(is_valid_utf8(reason) ? reason : ""));
      break;
    }
    case FrontendType::kFlush:
    case FrontendType::kSync:  // sent along by clients that don't know the statement is a COPY
      break;
    case FrontendType::kTerminate: activity_ = Activity::kClosed; break;
    default: {
      char text[80];
      std::snprintf(text, sizeof text, "unexpected message type 0x%02X during COPY from stdin",
                    static_cast<unsigned>(static_cast<unsigned char>(frame.type)));
      error = make_error(sqlstate::kProtocolViolation, text);
      break;
    }
  }
  input_.consume(frame.bytes);
  if (error) statement_error(std::move(*error));
  return true;
}

}  // namespace eventd::pgwire
