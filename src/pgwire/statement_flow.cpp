// How statements run to their end: portals, commits, errors. The other half of ProtocolSession.
#include "clock.h"
#include "engine/plan/sql_scanner.h"
#include "engine/plan/text_position.h"
#include "engine/settings/settings.h"
#include "pgwire/protocol_session.h"
#include "pgwire/utf8.h"

namespace eventd::pgwire {
namespace {

using engine::Portal;
using engine::Progress;
using engine::TransactionState;
using engine::TransactionStatement;

/// Unsent output below which a step may start: there is just a RowDescription in it.
constexpr size_t kStepStartBytesMax = 16 * 1024;
constexpr size_t kQueryTextKeptMax = 256 * 1024;
constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;

const TransactionStatement* as_transaction(const engine::Prepared& prepared) {
  if (prepared.statement == nullptr) return nullptr;
  return std::get_if<TransactionStatement>(&prepared.statement->node);
}

bool ends_transaction(const TransactionStatement* statement) {
  return statement != nullptr && (statement->kind == TransactionStatement::Kind::kCommit ||
                                  statement->kind == TransactionStatement::Kind::kRollback ||
                                  statement->kind == TransactionStatement::Kind::kRollbackTo);
}

bool discards_all(const engine::Prepared& prepared) {
  const auto* discard = prepared.statement == nullptr
                            ? nullptr
                            : std::get_if<engine::DiscardStatement>(&prepared.statement->node);
  return discard != nullptr && discard->what == engine::DiscardStatement::What::kAll;
}

}  // namespace

engine::Wake ProtocolSession::next_wake() { return host_.make_wake(++ticket_); }

bool ProtocolSession::refuse_in_failed_transaction(const engine::Prepared& prepared) {
  if (session_->transaction_state() != TransactionState::kFailed) return false;
  if (ends_transaction(as_transaction(prepared))) return false;
  Error error;
  error.code = sqlstate::kInFailedSqlTransaction;
  error.message =
      "current transaction is aborted, commands ignored until end of transaction block";
  statement_error(std::move(error));
  return true;
}

void ProtocolSession::run_simple_next() {
  if (next_statement_ == statements_.size()) {
    activity_ = Activity::kCommit;
    return;
  }
  const engine::StatementText& statement = statements_[next_statement_++];
  start_simple(statement.text, statement.offset);
}

namespace {

// What a statement with $n is told that has no values for it: at the first one written.
Error no_parameters(std::string_view text) {
  Error error{sqlstate::kUndefinedParameter, "there is no parameter $1", {}, {}, {}, 0};
  engine::SqlScanner scanner(text);
  while (true) {
    const Result<engine::SqlScanner::Token> token = scanner.next();
    if (!token.ok() || *token == engine::SqlScanner::Token::kEnd) return error;
    size_t end = scanner.start() + 1;
    if (text[scanner.start()] != '$') continue;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end == scanner.start() + 1) continue;
    error.message = "there is no parameter ";
    error.message += text.substr(scanner.start(), end - scanner.start());
    error.position = engine::character_position(text, scanner.start());
    return error;
  }
}

}  // namespace

void ProtocolSession::start_simple(std::string_view text, size_t offset) {
  statement_offset_ = offset;
  session_->begin_statement(text);
  auto prepared = session_->prepare(text, {});
  if (!prepared.ok()) {
    const bool undetermined =
        prepared.error().code == sqlstate::kIndeterminateDatatype &&
        prepared.error().message.find(" of parameter $") != std::string::npos;
    const bool parameter =
        undetermined || prepared.error().code == sqlstate::kAmbiguousParameter;
    return statement_error(parameter ? no_parameters(text) : std::move(prepared.error()));
  }
  // Only Bind brings values.
  if (!(*prepared)->parameter_types.empty()) return statement_error(no_parameters(text));
  auto portal = session_->bind(*prepared, {});
  if (!portal.ok()) return statement_error(std::move(portal.error()));
  simple_portal_ = {};
  simple_portal_.prepared = std::move(*prepared);
  simple_portal_.portal = std::move(*portal);
  active_ = &simple_portal_;
  row_limit_ = 0;
  rows_sent_ = 0;
  begin_output(simple_portal_, true);
}

void ProtocolSession::begin_output(OpenPortal& open, bool describe) {
  activity_ = Activity::kPortal;
  Portal& portal = *open.portal;
  if (open.started) {
    open.rows.set_format(session_->format_options());
    return;
  }
  open.started = true;
  switch (portal.kind()) {
    case Portal::Kind::kCommand: return;
    case Portal::Kind::kRows:
      open.rows = RowEncoder(portal.columns(), open.formats);
      open.rows.set_format(session_->format_options());
      if (describe && open.prepared->returns_rows)
        writer().row_description(portal.columns(), open.formats);
      return;
    case Portal::Kind::kCopyOut:
      open.copy = std::make_unique<CopyEncoder>(*portal.copy_out(), portal.columns(),
                                                session_->format_options());
      writer().copy_response(BackendType::kCopyOutResponse, open.copy->format_code(),
                             portal.columns().size());
      open.copy->append_start(out_);
      return;
    case Portal::Kind::kCopyIn: {
      engine::CopyIn& copy = *portal.copy_in();
      writer().copy_response(BackendType::kCopyInResponse, copy.format_code(),
                             static_cast<size_t>(copy.column_count()));
      activity_ = Activity::kCopyIn;
      return;
    }
  }
}

void ProtocolSession::run_portal() {
  OpenPortal& open = *active_;
  if (!open.done && !open.portal->is_short()) return start_step();
  for (;;) {
    if (open.next_row < open.batch.size) {
      const bool all = open.encode_held(row_limit_, rows_sent_, kOutputBytesHigh, out_);
      if (row_limit_ != 0 && rows_sent_ >= row_limit_) return portal_suspended();
      if (!all) {
        wait_ = Wait::kOutput;
        return;
      }
    }
    if (open.done) return portal_done();
    if (out_.size() >= kOutputBytesHigh) {
      wait_ = Wait::kOutput;
      return;
    }
    open.next_row = open.batch.size = 0;
    auto progress = open.portal->advance(open.batch, next_wake());
    if (!progress.ok()) return statement_error(std::move(progress.error()));
    switch (*progress) {
      case Progress::kRows: open.begin_batch(); break;
      case Progress::kDone:
        open.next_row = open.batch.size = 0;
        open.done = true;
        return portal_done();
      case Progress::kWaiting:
        open.next_row = open.batch.size = 0;
        wait_ = Wait::kWake;
        return;
    }
  }
}

void ProtocolSession::start_step() {
  if (out_.size() > kStepStartBytesMax) {
    wait_ = Wait::kOutput;
    return;
  }
  step_.buffer.clear();
  step_.error.reset();
  step_.rows_sent = rows_sent_;
  early_wake_ = false;
  wake_ticket_ = ++ticket_;
  engine::Wake wake = host_.make_wake(wake_ticket_);
  engine::Wake done = host_.make_completion(++ticket_);
  wait_ = Wait::kPool;
  session_->run_on_pool([this, open = active_, limit = row_limit_, wake = std::move(wake),
                         done = std::move(done)] {
    step_.run(*open, limit, wake);
    done();  // from here on this thread touches nothing of the session
  });
}

void ProtocolSession::complete_step() {
  rows_sent_ = step_.rows_sent;
  if (out_.empty()) out_.swap(step_.buffer);
  else out_.append(step_.buffer);
  if (lost_) {
    activity_ = Activity::kClosed;
    return;
  }
  switch (step_.outcome) {
    case PortalStep::Outcome::kFull: return;
    case PortalStep::Outcome::kLimit: return portal_suspended();
    case PortalStep::Outcome::kDone:
      active_->done = true;
      return portal_done();
    case PortalStep::Outcome::kWaiting:
      // Cancelled while the pool had it: the next step says so.
      if (early_wake_ || session_->cancel_token().cancelled()) return;
      ticket_ = wake_ticket_;
      wait_ = Wait::kWake;
      return;
    case PortalStep::Outcome::kError: return statement_error(std::move(*step_.error));
  }
}

void ProtocolSession::resume(uint64_t ticket) {
  if (wait_ == Wait::kPool) {
    if (ticket == ticket_) {
      wait_ = Wait::kNone;
      complete_step();
    } else if (ticket == wake_ticket_) {
      early_wake_ = true;
    }
    return;
  }
  if (wait_ == Wait::kWake && ticket == ticket_) wait_ = Wait::kNone;
}

void ProtocolSession::portal_suspended() {
  send_notices();
  session_->end_statement();
  writer().empty(BackendType::kPortalSuspended);
  active_ = nullptr;
  activity_ = Activity::kMessages;
}

void ProtocolSession::portal_done() {
  OpenPortal& open = *active_;
  if (open.copy != nullptr) {
    open.copy->append_end(out_);
    writer().empty(BackendType::kCopyDone);
  }
  finish_command();
}

void ProtocolSession::finish_command() {
  send_notices();
  OpenPortal& open = *active_;
  const bool empty = open.portal->is_empty_query();
  std::string tag = empty ? std::string() : open.portal->command_tag(rows_sent_);
  const bool drop = (ends_transaction(as_transaction(*open.prepared)) &&
                     session_->transaction_state() == TransactionState::kIdle) ||
                    discards_all(*open.prepared);
  active_ = nullptr;
  session_->end_statement();
  if (simple_) {
    simple_portal_ = {};
    if (next_statement_ == statements_.size() && !empty) {
      // The last statement's tag says "done" to the client: not before the commit.
      pending_tag_ = std::move(tag);
      has_pending_tag_ = true;
      activity_ = Activity::kCommit;
      if (drop) drop_portals();
      return;
    }
    activity_ = Activity::kSimpleNext;
  } else {
    activity_ = Activity::kMessages;
  }
  if (empty) writer().empty(BackendType::kEmptyQueryResponse);
  else writer().command_complete(tag);
  if (drop) drop_portals();
}

void ProtocolSession::run_commit() {
  auto progress = session_->finish_implicit(next_wake());
  if (!progress.ok()) {
    simple_ = true;  // ReadyForQuery follows at once, also after Sync
    statement_offset_ = 0;
    return statement_error(std::move(progress.error()));
  }
  if (*progress == Progress::kWaiting) {
    wait_ = Wait::kWake;
    return;
  }
  send_notices();
  if (has_pending_tag_) writer().command_complete(pending_tag_);
  has_pending_tag_ = false;
  if (session_->transaction_state() == TransactionState::kIdle) drop_portals();
  ready_for_query();
}

void ProtocolSession::ready_for_query() {
  send_reports();
  writer().ready_for_query(session_->transaction_state());
  activity_ = Activity::kMessages;
  simple_ = false;
  if (idle_timeout_ns_ != 0 || idle_in_transaction_timeout_ns_ != 0)
    idle_since_ns_ = Clock::system().monotonic_ns();
  if (query_text_.capacity() > kQueryTextKeptMax) query_text_ = {};
}

void ProtocolSession::statement_error(Error error) {
  send_notices();
  if (simple_ && error.position > 0 && statement_offset_ > 0) {
    const std::string_view before = std::string_view(query_text_).substr(0, statement_offset_);
    error.position += static_cast<int>(count_characters(before));
  }
  active_ = nullptr;
  simple_portal_ = {};
  has_pending_tag_ = false;
  if (error.code == sqlstate::kAdminShutdown) return fatal(error.code, std::move(error.message));
  writer().error(Severity::kError, error);
  session_->end_statement();
  session_->fail_transaction();
  // Portals of the failed transaction keep their names, so that Execute can say 25P02.
  for (auto& [name, open] : portals_) {
    open.portal.reset();
    open.copy.reset();
    open.batch = {};
  }
  if (simple_) {
    if (session_->transaction_state() == TransactionState::kIdle) drop_portals();
    ready_for_query();
  } else {
    skipping_until_sync_ = true;
    activity_ = Activity::kMessages;
  }
}

void ProtocolSession::read_settings() {
  const engine::SessionSettings& settings = session_->settings();
  settings_version_ = settings.version();
  idle_timeout_ns_ = settings.integer("idle_session_timeout") * kNanosecondsPerMillisecond;
  idle_in_transaction_timeout_ns_ =
      settings.integer("idle_in_transaction_session_timeout") * kNanosecondsPerMillisecond;
}

void ProtocolSession::send_reports() {
  engine::SessionSettings& settings = session_->settings();
  if (settings.version() == settings_version_) return;
  read_settings();
  for (const auto& [name, value] : settings.take_reports()) writer().parameter_status(name, value);
}

void ProtocolSession::send_notices() {
  for (const engine::Notice& notice : session_->take_notices()) writer().notice(notice);
}

void ProtocolSession::drop_portals() { portals_.clear(); }

}  // namespace eventd::pgwire
