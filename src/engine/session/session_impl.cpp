#include "engine/session/session_impl.h"

#include <algorithm>

#include "clock.h"
#include "engine/functions/function.h"
#include "engine/limits.h"
#include "engine/session/parameter_decoder.h"
#include "engine/session/portals.h"
#include "engine/session/setting_checks.h"
#include "engine/session/statement_checks.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr size_t kStatementTextKeptMax = 1024;

int64_t now_us() { return timestamptz_from_unix_ns(Clock::system().realtime_ns()); }

bool reads(const PlanNode& plan, const Relation& relation) {
  return plan.relation == &relation ||
         std::any_of(plan.children.begin(), plan.children.end(),
                     [&](const PlanPtr& child) { return reads(*child, relation); });
}

}  // namespace

SessionImpl::SessionImpl(Engine::Impl& engine, const SessionIdentity& identity)
    : engine_(engine), identity_(identity), role_guid_(role_guid(identity.role)), settings_(*engine.settings),
      temp_space_(engine.data_directory + "/tmp") {
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
  context.value_bytes_limit = hot_settings().query_buffer_bytes;
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
  auto pending = events != nullptr ? events->pending() : nullptr;
  transaction_.note_query();
  if (transaction_.repeatable_read()) {
    if (transaction_.snapshot == nullptr) transaction_.snapshot = engine_.shards->snapshot();
    RETURN_IF_ERROR(check_age(*transaction_.snapshot));
    context.snapshot = ShardSet::with_pending(transaction_.snapshot, std::move(pending));
  } else {
    context.snapshot = engine_.shards->snapshot(std::move(pending));
  }
  context.access =
      identity_.superuser ? AccessScope::everything() : std::make_shared<const AccessScope>();
  context.cancel = &cancel_;
  context.pool = engine_.pool.get();
  context.temp = &temp_space_;
  return context;
}

Status SessionImpl::check_age(const Snapshot& snapshot) const {
  const int64_t age_ns = Clock::system().monotonic_ns() - snapshot.taken_ns;
  if (age_ns <= hot_settings().max_snapshot_age_ns) return {};
  Error error;
  error.code = sqlstate::kSnapshotTooOld;
  error.message = "snapshot too old";
  error.hint = "The limit is max_snapshot_age.";
  return error;
}

const SessionImpl::HotSettings& SessionImpl::hot_settings() const {
  const uint64_t version = settings_.version();
  if (hot_version_ == version) return hot_;
  hot_.statement_timeout_ns = settings_.integer("statement_timeout") * kNanosecondsPerMillisecond;
  hot_.log_min_duration_ns =
      engine_.settings->integer("log_min_duration_statement") * kNanosecondsPerMillisecond;
  hot_.max_concurrent_queries = engine_.settings->integer("max_concurrent_queries");
  hot_.max_snapshot_age_ns = engine_.settings->integer("max_snapshot_age") * kNanosecondsPerMillisecond;
  hot_.search_path = settings_.get("search_path")->text;
  hot_.query_buffer_bytes = static_cast<size_t>(settings_.integer("query_buffer"));
  temp_space_.set_limit(settings_.integer("temp_file_limit"));
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
  ASSIGN_OR_RETURN(prepared, up_to_date(std::move(prepared)));
  const Statement& statement = *prepared->statement;
  if (transaction_.is_failed() && !ends_transaction(statement)) return in_failed_transaction();
  transaction_.open(statement_timestamp_us_);
  if (std::holds_alternative<Query>(statement.node)) {
    if (is_backup_call(*prepared)) return make_backup_portal(*this, std::move(prepared), parameters);
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
  {
    const std::lock_guard lock(activity_mutex_);
    statement_started_ns_ = Clock::system().monotonic_ns();
    statement_text_.assign(text.substr(0, kStatementTextKeptMax));
  }
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

SessionActivity SessionImpl::activity() const {
  SessionActivity activity;
  activity.role = identity_.role;
  activity.client_address = identity_.client_address;
  activity.running = statement_running_.load(std::memory_order_acquire);
  const std::lock_guard lock(activity_mutex_);
  activity.statement = statement_text_;
  activity.started_ns = statement_started_ns_;
  return activity;
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

void SessionImpl::lift_timeout() {
  deadline_ns_ = timeout_left_ns_ = 0;
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
  Result<Progress> progress = transaction_.commit(
      !synchronous ? CommitMode::kHandOver : thread_spare_ ? CommitMode::kHere : CommitMode::kWait,
      std::move(wake));
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
  const std::string least = settings_.get("client_min_messages")->text;
  if (least == "error" || (least == "warning" && severity == "NOTICE")) return;
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
