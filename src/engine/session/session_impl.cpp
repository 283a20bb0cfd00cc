#include "engine/session/session_impl.h"

#include <algorithm>

#include "clock.h"
#include "engine/functions/function.h"
#include "engine/limits.h"
#include "engine/session/insert_returning.h"
#include "engine/session/parameter_decoder.h"
#include "engine/session/portals.h"
#include "engine/session/setting_checks.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;

int64_t now_us() { return timestamptz_from_unix_ns(Clock::system().realtime_ns()); }

bool ends_transaction(const Statement& statement) {
  const auto* transaction = std::get_if<TransactionStatement>(&statement.node);
  using Kind = TransactionStatement::Kind;
  return transaction != nullptr &&
         (transaction->kind == Kind::kCommit || transaction->kind == Kind::kRollback ||
          transaction->kind == Kind::kRollbackTo);
}

bool reads(const PlanNode& plan, const Relation& relation) {
  return plan.relation == &relation ||
         std::any_of(plan.children.begin(), plan.children.end(),
                     [&](const PlanPtr& child) { return reads(*child, relation); });
}

Status in_failed_transaction() {
  return Status(sqlstate::kInFailedSqlTransaction,
                "current transaction is aborted, commands ignored until end of transaction block");
}

}  // namespace

SessionImpl::SessionImpl(Engine::Impl& engine, const SessionIdentity& identity)
    : engine_(engine), identity_(identity), role_guid_(role_guid(identity.role)), settings_(*engine.settings) {
  std::tie(pid_, secret_) = engine_.sessions.add(*this);
  settings_.set_internal("is_superuser", identity.superuser ? "on" : "off");
  settings_.set_internal("session_authorization", identity.role);
}

SessionImpl::~SessionImpl() { engine_.sessions.remove(pid_); }

FormatOptions SessionImpl::format_options() const {
  if (format_version_ != settings_.version()) {
    format_ = format_options_of(settings_);
    format_version_ = settings_.version();
  }
  return format_;
}

EvalContext SessionImpl::eval_context() const {
  EvalContext context;
  context.format = format_options();
  context.statement_timestamp_us = statement_timestamp_us_;
  context.transaction_timestamp_us =
      transaction_.is_open() ? transaction_.timestamp_us() : statement_timestamp_us_;
  context.session = this;
  context.cancel = &cancel_;
  return context;
}

Result<ExecutionContext> SessionImpl::execution_context(const PlanNode& plan) {
  ExecutionContext context;
  context.eval = eval_context();
  const EventTransaction* events = transaction_.events_or_null();
  if (events != nullptr && events->spilled() && reads(plan, engine_.shards->events_relation())) {
    Error error;
    error.code = sqlstate::kFeatureNotSupported;
    error.message = "reading events in a transaction that inserted more than emit_buffer is not supported yet";
    error.hint = "Commit first, or raise emit_buffer.";
    return error;
  }
  if (transaction_.repeatable_read() && events == nullptr) {
    if (transaction_.snapshot == nullptr) transaction_.snapshot = engine_.shards->snapshot();
    context.snapshot = transaction_.snapshot;
  } else {
    context.snapshot = engine_.shards->snapshot(events != nullptr ? events->pending() : nullptr);
  }
  context.access =
      identity_.superuser ? AccessScope::everything() : std::make_shared<const AccessScope>();
  context.cancel = &cancel_;
  context.pool = engine_.pool.get();
  return context;
}

const SessionImpl::HotSettings& SessionImpl::hot_settings() const {
  const uint64_t version = settings_.version();
  if (hot_version_ == version) return hot_;
  hot_.statement_timeout_ns = settings_.integer("statement_timeout") * kNanosecondsPerMillisecond;
  hot_.log_min_duration_ns =
      engine_.settings->integer("log_min_duration_statement") * kNanosecondsPerMillisecond;
  hot_.max_concurrent_queries = engine_.settings->integer("max_concurrent_queries");
  hot_.query_buffer_bytes = static_cast<size_t>(settings_.integer("query_buffer"));
  hot_.synchronous_commit = settings_.get("synchronous_commit")->text == "on";
  hot_version_ = version;
  return hot_;
}

EventRowLimits SessionImpl::event_row_limits() const {
  return {static_cast<size_t>(engine_.settings->integer("max_event_size")),
          static_cast<unsigned>(engine_.settings->integer("max_nesting_depth"))};
}

Result<EventTransaction*> SessionImpl::events_for_insert(bool bulk) {
  if (!identity_.superuser) {
    return Status(sqlstate::kInsufficientPrivilege, "permission denied for relation events");
  }
  if (transaction_.read_only()) {
    return Status(sqlstate::kReadOnlySqlTransaction,
                  "cannot execute INSERT in a read-only transaction");
  }
  EventTransaction& events = transaction_.events([&] {
    return engine_.ingest->begin_transaction(bulk, static_cast<size_t>(settings_.integer("emit_buffer")),
                                             settings_.integer("emit_spool_max"));
  });
  events.set_stamp(event_stamp());
  return &events;
}

EventTransaction::Stamp SessionImpl::event_stamp() const {
  const int64_t unix_us = statement_timestamp_us_ + kPostgresEpochSeconds * 1'000'000;
  return {session_guid_, role_guid_, role_guid_, unix_us * 1000};
}

Result<std::shared_ptr<const Prepared>> SessionImpl::prepare(std::string_view text,
                                                             std::span<const Oid> declared) {
  ASSIGN_OR_RETURN(auto pieces, split_statements(text));
  if (pieces.empty()) return std::make_shared<const Prepared>();
  if (pieces.size() > 1) {
    return Status(sqlstate::kSyntaxError, "cannot insert multiple commands into a prepared statement");
  }
  // Positions are relative to the whole text: what stands before the statement is only blanks and
  // comments, but those count.
  const auto skipped = static_cast<int>(
      std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(pieces[0].offset),
                    [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  const auto shifted = [&](Status status) {
    if (status.error().position > 0) status.error().position += skipped;
    return status;
  };
  Result<std::unique_ptr<Statement>> parsed = parse_statement(pieces[0].text);
  if (!parsed.ok()) return shifted(std::move(parsed).take_status());
  Result<std::shared_ptr<const Prepared>> prepared =
      prepare_statement(std::shared_ptr<const Statement>(std::move(*parsed)), declared);
  if (!prepared.ok()) return shifted(std::move(prepared).take_status());
  return prepared;
}

Result<std::shared_ptr<const Prepared>> SessionImpl::prepare_statement(
    std::shared_ptr<const Statement> statement, std::span<const Oid> declared) {
  if (transaction_.is_failed() && !ends_transaction(*statement)) return in_failed_transaction();
  if (declared.size() > kParametersMax) {
    return Status(sqlstate::kProgramLimitExceeded, "too many parameters");
  }
  auto prepared = std::make_shared<Prepared>();
  prepared->statement = statement;
  prepared->generation = engine_.relations.generation();
  const auto take = [&](BoundQuery bound, bool returns_rows) {
    prepared->columns = std::move(bound.columns);
    prepared->parameter_types = std::move(bound.parameter_types);
    prepared->plan = std::move(bound.plan);
    prepared->returns_rows = returns_rows;
  };
  const auto text_column = [&](std::string_view name, Oid type) {
    prepared->returns_rows = true;
    prepared->columns.push_back({std::string(name), {type, -1}, 0, 0});
  };
  if (const auto* query = std::get_if<Query>(&statement->node)) {
    ASSIGN_OR_RETURN(BoundQuery bound, bind_query(*query, engine_, declared));
    take(std::move(bound), true);
  } else if (const auto* insert = std::get_if<InsertStatement>(&statement->node)) {
    ASSIGN_OR_RETURN(const Relation* target, insert_target(insert->schema, insert->relation,
                                                           insert->columns, insert->position,
                                                           insert->column_positions));
    ASSIGN_OR_RETURN(BoundQuery bound, bind_insert(*insert, *target, engine_, declared));
    if (insert->columns.empty()) {
      Error error;
      error.code = sqlstate::kFeatureNotSupported;
      error.message = "INSERT into events needs a column list: the server stamps the other columns";
      error.hint = "Write INSERT INTO events (event_type, payload) ….";
      error.position = insert->position;
      return error;
    }
    take(std::move(bound), !insert->returning.empty());
    ASSIGN_OR_RETURN(prepared->columns, InsertReturning::columns(*target, insert->returning));
  } else if (const auto* copy = std::get_if<CopyStatement>(&statement->node)) {
    RETURN_IF_ERROR(prepare_copy(*copy, *prepared));
  } else if (const auto* show = std::get_if<ShowStatement>(&statement->node)) {
    if (show->name == "all") {
      text_column("name", oid::kText);
      text_column("setting", oid::kText);
      text_column("description", oid::kText);
    } else {
      if (!settings_.get(show->name)) {
        return Status(sqlstate::kUndefinedObject,
                      "unrecognized configuration parameter \"" + show->name + "\"");
      }
      const SettingInfo* info = find_setting(show->name);
      text_column(info != nullptr ? info->name : std::string_view(show->name), oid::kText);
    }
  } else if (const auto* explain = std::get_if<ExplainStatement>(&statement->node)) {
    const auto* body = std::get_if<Query>(&explain->body->node);
    if (body == nullptr) {
      return Status(sqlstate::kFeatureNotSupported, "EXPLAIN of this statement is not supported yet");
    }
    ASSIGN_OR_RETURN(BoundQuery bound, bind_query(*body, engine_, declared));
    take(std::move(bound), true);
    prepared->columns.clear();
    text_column("QUERY PLAN",
                explain->format == ExplainStatement::Format::kJson ? oid::kJson : oid::kText);
  } else if (const auto* execute = std::get_if<ExecuteStatement>(&statement->node)) {
    ASSIGN_OR_RETURN(const auto target, find_prepared(execute->name));
    prepared->columns = target->columns;
    prepared->returns_rows = target->returns_rows;
  }
  return std::shared_ptr<const Prepared>(std::move(prepared));
}

Status SessionImpl::prepare_copy(const CopyStatement& copy, Prepared& prepared) {
  if (copy.format == CopyStatement::Format::kBinary) {
    return Status(sqlstate::kFeatureNotSupported, "COPY in binary format is not supported yet");
  }
  if (copy.from) {
    ASSIGN_OR_RETURN(const Relation* target,
                     insert_target(copy.schema, copy.relation, copy.columns, copy.position));
    (void)target;
    if (copy.columns.empty()) {
      Error error;
      error.code = sqlstate::kFeatureNotSupported;
      error.message = "COPY into events needs a column list: the server stamps the other columns";
      error.hint = "Write COPY events (event_type, payload) FROM STDIN.";
      return error;
    }
    if (!copy.force_null.empty() || !copy.force_not_null.empty()) {
      return Status(sqlstate::kFeatureNotSupported, "COPY force null options are not supported yet");
    }
    return {};
  }
  Result<BoundQuery> bound = [&]() -> Result<BoundQuery> {
    if (copy.query) return bind_query(*copy.query, engine_, {});
    const auto quoted = [](const std::string& name) {
      std::string out = "\"";
      for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
      return out + "\"";
    };
    std::string text = "SELECT ";
    for (size_t i = 0; i < copy.columns.size(); ++i) text += (i ? ", " : "") + quoted(copy.columns[i]);
    if (copy.columns.empty()) text += "*";
    text += " FROM " + (copy.schema.empty() ? "" : quoted(copy.schema) + ".") + quoted(copy.relation);
    ASSIGN_OR_RETURN(const auto statement, parse_statement(text));
    Result<BoundQuery> result = bind_query(std::get<Query>(statement->node), engine_, {});
    if (!result.ok()) result.error().position = 0;  // of a text the client never saw
    return result;
  }();
  if (!bound.ok()) return std::move(bound).take_status();
  prepared.columns = std::move(bound->columns);
  prepared.plan = std::move(bound->plan);
  return {};
}

Result<const Relation*> SessionImpl::insert_target(const std::string& schema,
                                                   const std::string& relation,
                                                   const std::vector<std::string>& columns,
                                                   int position,
                                                   std::span<const int> column_positions) const {
  const Relation* target = engine_.relations.find(schema, relation);
  if (target == nullptr) {
    Error error;
    error.code = sqlstate::kUndefinedTable;
    error.message = "relation \"" + (schema.empty() ? "" : schema + ".") + relation + "\" does not exist";
    error.position = position;
    return error;
  }
  if (target != &engine_.shards->events_relation()) {
    return Status(sqlstate::kWrongObjectType,
                  "cannot insert into relation \"" + std::string(target->name()) + "\"");
  }
  bool has_type = columns.empty();
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& column = columns[i];
    const auto refuse = [&](SqlState code, std::string message) {
      Status status(code, std::move(message));
      status.error().position = i < column_positions.size() ? column_positions[i] : 0;
      return status;
    };
    if (target->find_column(column) < 0) {
      return refuse(sqlstate::kUndefinedColumn,
                    "column \"" + column + "\" of relation \"" + relation + "\" does not exist");
    }
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i), column) !=
        columns.begin() + static_cast<std::ptrdiff_t>(i)) {
      return refuse(sqlstate::kDuplicateColumn, "column \"" + column + "\" specified more than once");
    }
    if (column == "event_type") {
      has_type = true;
    } else if (column != "payload") {
      return refuse(sqlstate::kFeatureNotSupported,
                    "column \"" + column + "\" of relation \"events\" is stamped by the server");
    }
  }
  if (!has_type) {
    return Status(sqlstate::kNotNullViolation,
                  "null value in column \"event_type\" of relation \"events\" violates not-null "
                  "constraint");
  }
  return target;
}

Status SessionImpl::store_prepared(std::string name, std::shared_ptr<const Prepared> prepared) {
  if (!name.empty() && prepared_.count(name) != 0) {
    return Status(sqlstate::kDuplicatePreparedStatement,
                  "prepared statement \"" + name + "\" already exists");
  }
  if (prepared_.size() >= kPreparedStatementsMax) {
    return Status(sqlstate::kConfigurationLimitExceeded,
                  "too many prepared statements in this session");
  }
  prepared_[std::move(name)] = std::move(prepared);
  return {};
}

Result<std::shared_ptr<const Prepared>> SessionImpl::find_prepared(std::string_view name) const {
  const auto at = prepared_.find(name);
  if (at != prepared_.end()) return at->second;
  return Status(sqlstate::kInvalidSqlStatementName,
                name.empty() ? std::string("unnamed prepared statement does not exist")
                             : "prepared statement \"" + std::string(name) + "\" does not exist");
}

void SessionImpl::close_prepared(std::string_view name) {
  if (const auto at = prepared_.find(name); at != prepared_.end()) prepared_.erase(at);
}

Result<std::unique_ptr<Portal>> SessionImpl::bind(std::shared_ptr<const Prepared> prepared,
                                                  std::span<const WireParameter> parameters) {
  if (parameters.size() != prepared->parameter_types.size()) {
    return Status(sqlstate::kProtocolViolation,
                  "bind message supplies " + std::to_string(parameters.size()) +
                      " parameters, but prepared statement requires " +
                      std::to_string(prepared->parameter_types.size()));
  }
  const EvalContext context = eval_context();
  Parameters values;
  values.reserve(parameters.size());
  for (size_t i = 0; i < parameters.size(); ++i) {
    ASSIGN_OR_RETURN(Datum value,
                     decode_parameter(context, prepared->parameter_types[i], parameters[i], i + 1));
    values.push_back(std::move(value));
  }
  return bind_values(std::move(prepared), std::move(values));
}

Result<std::unique_ptr<Portal>> SessionImpl::bind_values(std::shared_ptr<const Prepared> prepared,
                                                         std::vector<Datum> parameters) {
  if (prepared->statement == nullptr) return make_command_portal(*this, std::move(prepared));
  const Statement& statement = *prepared->statement;
  if (transaction_.is_failed() && !ends_transaction(statement)) return in_failed_transaction();
  transaction_.open(statement_timestamp_us_);
  if (std::holds_alternative<Query>(statement.node)) {
    return make_query_portal(*this, std::move(prepared), parameters, nullptr);
  }
  if (std::holds_alternative<InsertStatement>(statement.node)) {
    return make_insert_portal(*this, std::move(prepared), parameters);
  }
  if (const auto* copy = std::get_if<CopyStatement>(&statement.node)) {
    if (copy->from) return make_copy_in_portal(*this, std::move(prepared), *copy);
    return make_query_portal(*this, std::move(prepared), parameters, copy);
  }
  if (const auto* explain = std::get_if<ExplainStatement>(&statement.node)) {
    return make_explain_portal(*this, std::move(prepared), *explain, parameters);
  }
  if (const auto* execute = std::get_if<ExecuteStatement>(&statement.node)) {
    ASSIGN_OR_RETURN(auto target, find_prepared(execute->name));
    ASSIGN_OR_RETURN(auto values,
                     evaluate_arguments(*execute, target->parameter_types, eval_context()));
    return bind_values(std::move(target), std::move(values));
  }
  return make_command_portal(*this, std::move(prepared));
}

void SessionImpl::begin_statement(std::string_view text) {
  cancel_.reset();
  statement_timestamp_us_ = now_us();
  statement_started_ns_ = Clock::system().monotonic_ns();
  statement_text_.assign(text.substr(0, 1024));
  const int64_t timeout_ns = hot_settings().statement_timeout_ns;
  deadline_ns_ = timeout_ns > 0 ? statement_started_ns_ + timeout_ns : 0;
  timeout_left_ns_ = 0;
  cancel_.set_deadline(deadline_ns_);
  statement_running_.store(true, std::memory_order_release);
}

void SessionImpl::end_statement() {
  if (!statement_running_.exchange(false, std::memory_order_acq_rel)) return;
  cancel_.reset();
  deadline_ns_ = timeout_left_ns_ = 0;
  const int64_t limit_ns = hot_settings().log_min_duration_ns;
  if (limit_ns < 0) return;
  const int64_t took_ns = Clock::system().monotonic_ns() - statement_started_ns_;
  if (took_ns >= limit_ns) {
    log::info("duration: " + std::to_string(took_ns / kNanosecondsPerMillisecond) + " ms  statement: " + statement_text_);
  }
}

void SessionImpl::cancel_running() {
  if (statement_running_.load(std::memory_order_acquire)) {
    cancel_.cancel(CancelToken::Reason::kUserRequest);
    const std::lock_guard lock(cancel_mutex_);
    if (cancel_wake_) cancel_wake_();
  }
}

void SessionImpl::on_cancel(Wake wake) {
  const std::lock_guard lock(cancel_mutex_);
  cancel_wake_ = std::move(wake);
}

void SessionImpl::pause_timeout() {
  if (deadline_ns_ == 0) return;
  // A deadline that has just passed must still end the statement.
  timeout_left_ns_ = std::max<int64_t>(deadline_ns_ - Clock::system().monotonic_ns(), 1);
  deadline_ns_ = 0;
  cancel_.set_deadline(0);
}

void SessionImpl::resume_timeout() {
  if (timeout_left_ns_ == 0) return;
  deadline_ns_ = Clock::system().monotonic_ns() + timeout_left_ns_;
  timeout_left_ns_ = 0;
  cancel_.set_deadline(deadline_ns_);
}

void SessionImpl::fail_transaction() {
  const bool was_explicit = transaction_.is_explicit();
  transaction_.fail();
  if (!was_explicit) settings_.rollback_transaction();
}

Result<Progress> SessionImpl::finish_implicit(Wake wake) {
  if (!transaction_.is_open() || transaction_.is_explicit()) return Progress::kDone;
  return commit(std::move(wake));
}

Result<Progress> SessionImpl::commit(Wake wake) {
  return commit(hot_settings().synchronous_commit, std::move(wake));
}

Result<Progress> SessionImpl::commit(bool synchronous, Wake wake) {
  Result<Progress> progress = transaction_.commit(synchronous, std::move(wake));
  if (!progress.ok()) {
    settings_.rollback_transaction();
  } else if (*progress == Progress::kDone) {
    settings_.commit_transaction();
  }
  return progress;
}

void SessionImpl::rollback() {
  transaction_.rollback();
  settings_.rollback_transaction();
}

Status SessionImpl::discard(DiscardStatement::What what) {
  if (what != DiscardStatement::What::kAll) return {};
  if (transaction_.is_explicit()) {
    return Status(sqlstate::kActiveSqlTransaction, "DISCARD ALL cannot run inside a transaction block");
  }
  prepared_.clear();
  settings_.reset_all();
  return {};
}

void SessionImpl::add_notice(std::string severity, SqlState code, std::string message) {
  notices_.push_back({std::move(severity), code, std::move(message)});
}

void SessionImpl::run_on_pool(std::function<void()> task) { engine_.pool->submit(std::move(task)); }

size_t SessionImpl::max_message_bytes() const {
  return static_cast<size_t>(engine_.settings->integer("max_message_size"));
}

std::optional<std::string> SessionImpl::shown_setting(std::string_view name) const {
  const SettingInfo* info = find_setting(name);
  if (info != nullptr && info->name == "transaction_isolation") {
    if (!transaction_.isolation().empty()) return transaction_.isolation();
    name = "default_transaction_isolation";
  } else if (info != nullptr && info->name == "transaction_read_only") {
    if (transaction_.is_explicit()) return transaction_.read_only() ? "on" : "off";
    name = "default_transaction_read_only";
  }
  const auto value = settings_.get(name);
  if (!value) return std::nullopt;
  return value->text;
}

std::string SessionImpl::server_version_text() const {
  return "PostgreSQL 15.0 (eventd 0.1.0) on x86_64-pc-linux-gnu, compiled by gcc, 64-bit";
}

}  // namespace eventd::engine
