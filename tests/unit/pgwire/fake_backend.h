// A server without an engine: sessions that answer a handful of texts, for tests of the protocol.
//
//   rows N [wait] [pool]   N rows of int8 1…N in batches of 100, optionally each batch after a wake,
//                          optionally on the "pool" (run when the test says so)
//   begin / commit         transaction state
//   fail / fail at commit  22012 at once / when the implicit transaction is committed
//   copy in                takes CopyData until CopyDone; `bad` in the data is 22P02
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/settings/settings.h"
#include "pgwire/backend.h"

namespace eventd::pgwire {

class FakeSession;

class FakePortal final : public engine::Portal {
 public:
  FakePortal(FakeSession& session, std::string text) : session_(session), text_(std::move(text)) {
    if (text_.starts_with("rows ")) {
      total_ = std::stoi(text_.substr(5));
      columns_.push_back({"n", {engine::oid::kInt8, -1}, 0, 0});
    }
    waits_ = text_.find("wait") != std::string::npos;
    if (text_ == "copy in") copy_ = std::make_unique<FakeCopyIn>();
  }
  Kind kind() const override {
    return copy_ ? Kind::kCopyIn : columns_.empty() ? Kind::kCommand : Kind::kRows;
  }
  const std::vector<engine::OutputColumn>& columns() const override { return columns_; }
  bool is_short() const override { return text_.find("pool") == std::string::npos; }
  inline Result<engine::Progress> advance(engine::Batch& batch, engine::Wake wake) override;
  std::string command_tag(uint64_t rows) const override {
    if (copy_) return "COPY " + std::to_string(copy_->bytes);
    return columns_.empty() ? "OK" : "SELECT " + std::to_string(rows);
  }
  engine::CopyIn* copy_in() override { return copy_.get(); }
  bool is_empty_query() const override { return text_.empty(); }

 private:
  struct FakeCopyIn final : engine::CopyIn {
    size_t bytes = 0;
    Result<engine::Progress> consume(ByteSpan data, engine::Wake) override {
      if (as_text(data).find("bad") != std::string_view::npos)
        return {sqlstate::kInvalidTextRepresentation, "bad row"};
      bytes += data.size();
      return engine::Progress::kDone;
    }
    Status finish() override { return {}; }
    int format_code() const override { return 0; }
    int column_count() const override { return 2; }
  };
  FakeSession& session_;
  std::string text_;
  std::vector<engine::OutputColumn> columns_;
  std::unique_ptr<FakeCopyIn> copy_;
  int total_ = 0, sent_ = 0;
  bool waits_, waited_ = false;
};

class FakeSession final : public engine::Session {
 public:
  explicit FakeSession(const engine::Settings& settings) : settings_(settings) {}
  int32_t backend_pid() const override { return 4711; }
  int32_t secret_key() const override { return 99; }
  engine::SessionSettings& settings() override { return settings_; }
  engine::FormatOptions format_options() const override { return {}; }
  engine::TransactionState transaction_state() const override { return state; }
  std::vector<engine::Notice> take_notices() override { return std::exchange(notices, {}); }
  Result<std::shared_ptr<const engine::Prepared>> prepare(std::string_view text,
                                                          std::span<const engine::Oid>) override {
    if (text == "broken") {
      return Error{sqlstate::kSyntaxError, "syntax error at or near \"broken\"", {}, {}, {}, 1};
    }
    auto statement = std::make_shared<engine::Statement>();
    statement->text = text;
    auto prepared = std::make_shared<engine::Prepared>();
    prepared->statement = statement;
    prepared->returns_rows = text.starts_with("rows ");
    if (prepared->returns_rows) prepared->columns.push_back({"n", {engine::oid::kInt8, -1}, 0, 0});
    return std::shared_ptr<const engine::Prepared>(prepared);
  }
  Status store_prepared(std::string name,
                        std::shared_ptr<const engine::Prepared> prepared) override {
    statements_[name] = std::move(prepared);
    return {};
  }
  Result<std::shared_ptr<const engine::Prepared>> find_prepared(std::string_view name) const override {
    const auto found = statements_.find(std::string(name));
    if (found == statements_.end())
      return {sqlstate::kInvalidSqlStatementName, "prepared statement does not exist"};
    return found->second;
  }
  void close_prepared(std::string_view name) override { statements_.erase(std::string(name)); }
  Result<std::unique_ptr<engine::Portal>> bind(std::shared_ptr<const engine::Prepared> prepared,
                                               std::span<const engine::WireParameter>) override {
    return std::unique_ptr<engine::Portal>(
        std::make_unique<FakePortal>(*this, prepared->statement->text));
  }
  void begin_statement(std::string_view text) override { log.emplace_back(text); }
  void end_statement() override {}
  void fail_transaction() override {
    if (state == engine::TransactionState::kInTransaction) state = engine::TransactionState::kFailed;
  }
  Result<engine::Progress> finish_implicit(engine::Wake wake) override {
    if (std::exchange(fail_commit, false)) return {sqlstate::kSerializationFailure, "commit failed"};
    if (std::exchange(commit_waits, false)) {
      wakes.push_back(std::move(wake));
      return engine::Progress::kWaiting;
    }
    return engine::Progress::kDone;
  }
  engine::CancelToken& cancel_token() override { return token_; }
  void on_cancel(engine::Wake wake) override { cancel_wake = std::move(wake); }
  void pause_timeout() override { ++pauses; }
  void resume_timeout() override { --pauses; }
  int64_t deadline_ns() const override { return deadline; }
  void run_on_pool(std::function<void()> task) override { pool.push_back(std::move(task)); }
  size_t max_message_bytes() const override { return 1u << 20; }

  engine::TransactionState state = engine::TransactionState::kIdle;
  std::vector<engine::Notice> notices;
  std::vector<std::string> log;
  std::deque<engine::Wake> wakes;
  std::deque<std::function<void()>> pool;
  bool fail_commit = false, commit_waits = false;
  engine::Wake cancel_wake;
  int pauses = 0;
  int64_t deadline = 0;

 private:
  engine::SessionSettings settings_;
  engine::CancelToken token_;
  std::map<std::string, std::shared_ptr<const engine::Prepared>> statements_;
};

inline Result<engine::Progress> FakePortal::advance(engine::Batch& batch, engine::Wake wake) {
  RETURN_IF_ERROR(session_.cancel_token().check());
  if (text_ == "fail") return {sqlstate::kDivisionByZero, "division by zero"};
  if (text_ == "begin") session_.state = engine::TransactionState::kInTransaction;
  if (text_ == "commit") session_.state = engine::TransactionState::kIdle;
  if (sent_ >= total_) return engine::Progress::kDone;
  if (waits_ && !std::exchange(waited_, true)) {
    session_.wakes.push_back(std::move(wake));
    return engine::Progress::kWaiting;
  }
  waited_ = false;
  const int count = std::min(100, total_ - sent_);
  engine::Vector column = engine::Vector::flat(engine::oid::kInt8, static_cast<uint32_t>(count));
  for (int i = 0; i < count; ++i) column.data<int64_t>()[i] = ++sent_;
  batch.columns.assign(1, column);
  batch.size = static_cast<uint32_t>(count);
  return engine::Progress::kRows;
}

class FakeBackend final : public Backend {
 public:
  FakeBackend() : settings_(std::move(engine::Settings::load({})).value()) {
    auto access = std::make_shared<AccessSettings>();
    access->hba = std::move(HbaRules::parse("local all all trust, host all all all scram-sha-256")).value();
    access->max_message_bytes = 1u << 20;
    access_ = std::move(access);
  }
  std::shared_ptr<const AccessSettings> access() const override { return access_; }
  std::optional<engine::RoleLogin> find_role(std::string_view name) const override {
    if (name != "user") return std::nullopt;
    return engine::RoleLogin{"user", true, true, verifier};
  }
  bool database_exists(std::string_view name) const override { return name == "db"; }
  std::unique_ptr<engine::Session> make_session(const engine::SessionIdentity&) override {
    auto made = std::make_unique<FakeSession>(*settings_);
    session = made.get();
    return made;
  }
  void cancel(int32_t pid, int32_t key) override { cancelled.emplace_back(pid, key); }
  std::string_view mock_secret() const override { return "01234567890123456789012345678901"; }
  bool acquire_slot(bool) override { return slots-- > 0; }
  void release_slot() override { ++slots; }

  FakeSession* session = nullptr;  ///< the last one made
  std::string verifier;
  std::vector<std::pair<int32_t, int32_t>> cancelled;
  int slots = 10;

 private:
  std::unique_ptr<engine::Settings> settings_;
  std::shared_ptr<const AccessSettings> access_;
};

}  // namespace eventd::pgwire
