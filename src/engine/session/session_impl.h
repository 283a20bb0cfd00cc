// The Session behind pgwire's interface: statements, transaction, settings of one client.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/exec/executor.h"
#include "engine/functions/session_random.h"
#include "engine/session/engine_impl.h"
#include "engine/session/event_row_sink.h"
#include "engine/session/session.h"
#include "engine/session/session_transaction.h"

namespace eventd::engine {

/// Owned by one I/O thread; cancel_running() may be called from any.
class SessionImpl final : public Session, private SessionFacts {
 public:
  SessionImpl(Engine::Impl& engine, const SessionIdentity& identity);
  ~SessionImpl() override;

  int32_t backend_pid() const override { return pid_; }
  int32_t secret_key() const override { return secret_; }
  SessionSettings& settings() override { return settings_; }
  FormatOptions format_options() const override;
  TransactionState transaction_state() const override { return transaction_.state(); }
  std::vector<Notice> take_notices() override { return std::exchange(notices_, {}); }

  Result<std::shared_ptr<const Prepared>> prepare(std::string_view text,
                                                  std::span<const Oid> declared) override;
  Status store_prepared(std::string name, std::shared_ptr<const Prepared> prepared) override;
  Result<std::shared_ptr<const Prepared>> find_prepared(std::string_view name) const override;
  void close_prepared(std::string_view name) override;
  Result<std::unique_ptr<Portal>> bind(std::shared_ptr<const Prepared> prepared,
                                       std::span<const WireParameter> parameters) override;

  void begin_statement(std::string_view text) override;
  void end_statement() override;
  void fail_transaction() override;
  Result<Progress> finish_implicit(Wake wake) override;
  void set_thread_spare(bool spare) override { thread_spare_ = spare; }
  CancelToken& cancel_token() override { return cancel_; }
  void on_cancel(Wake wake) override;
  void pause_timeout() override;
  void resume_timeout() override;
  int64_t deadline_ns() const override { return deadline_ns_; }
  void run_on_pool(std::function<void()> task) override;
  size_t max_message_bytes() const override;

  /// CancelRequest. No effect between statements. Called under the session directory's lock.
  void cancel_running();
  /// Any thread, under the session directory's lock.
  SessionActivity activity() const;

  // --- for the portals of this folder ---
  Engine::Impl& engine() { return engine_; }
  SessionTransaction& transaction() { return transaction_; }
  /// The running statement may take as long as it needs.
  void lift_timeout();
  void add_notice(std::string severity, SqlState code, std::string message);
  /// Facts for functions, times of the running statement and transaction.
  EvalContext eval_context() const;
  /// Everything a query over `plan` needs but its memory account. 0A000 when it reads events of which
  /// the transaction's own are no longer in memory.
  Result<ExecutionContext> execution_context(const PlanNode& plan);
  /// What every statement asks for: looked up again only after some setting changed.
  struct HotSettings {
    int64_t statement_timeout_ns = 0;
    int64_t log_min_duration_ns = 0;  ///< below 0: off
    int64_t max_concurrent_queries = 0;
    int64_t max_snapshot_age_ns = 0;
    std::string search_path;
    size_t query_buffer_bytes = 0;
    bool synchronous_commit = true;
  };
  const HotSettings& hot_settings() const;
  /// 72000 once `snapshot` is older than max_snapshot_age.
  Status check_age(const Snapshot& snapshot) const;
  /// The transaction's rows, opened at need; 25006 when read-only, 42501 without the right.
  Result<EventTransaction*> events_for_insert(bool bulk);
  EventRowLimits event_row_limits() const;
  bool is_superuser() const { return identity_.superuser; }
  const std::string& role() const { return identity_.role; }
  /// As SHOW prints it: the transaction's characteristics, else the setting. nullopt = unknown.
  std::optional<std::string> shown_setting(std::string_view name) const;
  /// What the rows of the running statement are stamped with.
  EventTransaction::Stamp event_stamp() const;
  Result<Progress> commit(Wake wake);
  /// `synchronous` whatever synchronous_commit says.
  Result<Progress> commit(bool synchronous, Wake wake);
  void rollback();
  Status discard(DiscardStatement::What what);
  void forget_prepared() { prepared_.clear(); }
  Result<std::shared_ptr<const Prepared>> prepare_statement(std::shared_ptr<const Statement> statement,
                                                            std::span<const Oid> declared);
  Result<std::unique_ptr<Portal>> bind_values(std::shared_ptr<const Prepared> prepared,
                                              std::vector<Datum> parameters);

 private:
  std::string current_user() const override { return identity_.role; }
  std::string session_user() const override { return identity_.role; }
  std::string current_database() const override { return identity_.database; }
  std::optional<std::string> setting(std::string_view name) const override {
    return shown_setting(name);
  }
  std::string server_version_text() const override;
  SessionRandom* random() const override { return &random_; }

  Result<std::shared_ptr<const Prepared>> prepare_text(std::string_view text,
                                                       std::span<const Oid> declared);
  /// The same statement under the catalog of now. 0A000 when its columns are others by now.
  Result<std::shared_ptr<const Prepared>> up_to_date(std::shared_ptr<const Prepared> prepared);
  Status prepare_copy(const CopyStatement& copy, const RelationResolver& relations, Prepared& prepared);
  Result<const Relation*> insert_target(const RelationResolver& relations, const std::string& schema,
                                        const std::string& relation,
                                        const std::vector<std::string>& columns, int position,
                                        std::span<const int> column_positions = {}) const;

  Engine::Impl& engine_;
  const SessionIdentity identity_;
  const Guid session_guid_ = Guid::random();
  const Guid role_guid_;
  SessionSettings settings_;
  int32_t pid_ = 0, secret_ = 0;
  SessionTransaction transaction_;
  std::map<std::string, std::shared_ptr<const Prepared>, std::less<>> prepared_;
  std::vector<Notice> notices_;
  mutable SessionRandom random_;   // of what a statement asks for, on any thread
  CancelToken cancel_;
  std::atomic<bool> statement_running_{false};
  int64_t statement_timestamp_us_ = 0;
  int64_t deadline_ns_ = 0;        // 0 = none, or paused
  int64_t timeout_left_ns_ = 0;    // while paused; 0 = not paused
  std::mutex cancel_mutex_;
  Wake cancel_wake_;               // guarded by cancel_mutex_
  // Written by the session's thread under activity_mutex_, read by activity().
  mutable std::mutex activity_mutex_;
  std::string statement_text_;
  int64_t statement_started_ns_ = 0;
  mutable FormatOptions format_;
  mutable uint64_t format_version_ = 0;
  mutable HotSettings hot_;
  mutable TempSpace temp_space_;  // its limit follows the setting, with hot_
  mutable uint64_t hot_version_ = 0;
  bool thread_spare_ = false;
};

}  // namespace eventd::engine
