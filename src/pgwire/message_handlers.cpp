// One handler a frontend message, between start-up and Terminate.
#include "pgwire/protocol_session.h"
#include "pgwire/utf8.h"

namespace eventd::pgwire {
namespace {

constexpr size_t kPortalsMax = 1024;

Error invalid_utf8() {
  return make_error(sqlstate::kCharacterNotInRepertoire,
                    "invalid byte sequence for encoding \"UTF8\"");
}

}  // namespace

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
  idle_since_ns_ = 0;
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
  if (refuse_in_failed_transaction(*prepared)) return;  // an empty one too, as PostgreSQL does
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

}  // namespace eventd::pgwire
