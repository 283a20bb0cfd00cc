// Statements that act on the session: settings, transactions, prepared statements.
#include "engine/session/portals.h"

namespace eventd::engine {
namespace {

class CommandPortal final : public Portal {
 public:
  CommandPortal(SessionImpl& session, std::shared_ptr<const Prepared> prepared)
      : session_(session), prepared_(std::move(prepared)) {}

  Kind kind() const override { return prepared_->returns_rows ? Kind::kRows : Kind::kCommand; }
  const std::vector<OutputColumn>& columns() const override { return prepared_->columns; }
  bool is_short() const override { return true; }
  bool is_empty_query() const override { return prepared_->statement == nullptr; }
  std::string command_tag(uint64_t) const override { return tag_; }

  Result<Progress> advance(Batch& batch, Wake wake) override {
    if (done_ || prepared_->statement == nullptr) return Progress::kDone;
    batch_ = &batch;
    ASSIGN_OR_RETURN(const Progress progress,
                     std::visit([&](const auto& node) { return run(node, wake); },
                                prepared_->statement->node));
    done_ = progress != Progress::kWaiting;
    return progress;
  }

 private:
  // Kinds with portals of their own never come here.
  Result<Progress> run(const Query&, Wake&) { return unexpected(); }
  Result<Progress> run(const InsertStatement&, Wake&) { return unexpected(); }
  Result<Progress> run(const CopyStatement&, Wake&) { return unexpected(); }
  Result<Progress> run(const ExplainStatement&, Wake&) { return unexpected(); }
  Result<Progress> run(const ExecuteStatement&, Wake&) { return unexpected(); }
  static Status unexpected() { return Status(sqlstate::kInternalError, "statement without a portal"); }

  Result<Progress> done(std::string tag) {
    tag_ = std::move(tag);
    return Progress::kDone;
  }

  Result<Progress> run(const SetStatement& set, Wake&) {
    if (set.set_transaction) return set_transaction(set);
    if (set.name == "role" || set.name == "session_authorization") return set_identity(set);
    if (session_.transaction().is_explicit() && set.value) {
      if (set.name == "transaction_isolation") {
        RETURN_IF_ERROR(set_isolation(*set.value, false));
        return done("SET");
      }
      if (set.name == "transaction_read_only") {
        ASSIGN_OR_RETURN(const SettingValue value, parse_setting(*find_setting(set.name), *set.value));
        RETURN_IF_ERROR(set_read_only(value.integer != 0, false));
        return done("SET");
      }
    }
    if (set.local && !session_.transaction().is_explicit()) {
      session_.add_notice("WARNING", sqlstate::kNoActiveSqlTransaction,
                          "SET LOCAL can only be used in transaction blocks");
    }
    SessionSettings& settings = session_.settings();
    if (!set.value) {
      RETURN_IF_ERROR(settings.reset(set.name, session_.is_superuser()));
    } else {
      RETURN_IF_ERROR(settings.set(set.name, *set.value, set.local, session_.is_superuser()));
    }
    warn_if_without_effect(set.name);
    return done("SET");
  }

  // SET TRANSACTION, or SET SESSION CHARACTERISTICS for the session's next ones.
  Result<Progress> set_transaction(const SetStatement& set) {
    SessionTransaction& transaction = session_.transaction();
    const bool of_session = set.name == "SESSION CHARACTERISTICS";
    if (!of_session && !transaction.is_explicit()) {
      session_.add_notice("WARNING", sqlstate::kNoActiveSqlTransaction,
                          "SET TRANSACTION can only be used in transaction blocks");
      return done("SET");
    }
    if (set.isolation_level) {
      RETURN_IF_ERROR(set_isolation(*set.isolation_level, of_session));
    }
    if (set.read_only) RETURN_IF_ERROR(set_read_only(*set.read_only, of_session));
    return done("SET");
  }

  Status set_isolation(const std::string& level, bool of_session) {
    if (of_session) return set_default("default_transaction_isolation", level);
    ASSIGN_OR_RETURN(const SettingValue value,
                     parse_setting(*find_setting("transaction_isolation"), level));
    SessionTransaction& transaction = session_.transaction();
    if (transaction.has_queried() && transaction.isolation() != value.text) {
      return Status(sqlstate::kActiveSqlTransaction,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query");
    }
    transaction.set_isolation(value.text);
    return {};
  }

  Status set_read_only(bool read_only, bool of_session) {
    if (of_session) return set_default("default_transaction_read_only", read_only ? "on" : "off");
    if (!read_only && session_.transaction().read_only() && session_.transaction().has_queried()) {
      return Status(sqlstate::kActiveSqlTransaction,
                    "transaction read-write mode must be set before any query");
    }
    session_.transaction().set_read_only(read_only);
    return {};
  }

  Status set_default(std::string_view name, std::string_view value) {
    return session_.settings().set(name, value, false, session_.is_superuser());
  }

  // The identity of a session can't change yet, but clients' pools reset it.
  Result<Progress> set_identity(const SetStatement& set) {
    const bool role = set.name == "role";
    if (set.value && !(role && *set.value == "none") && *set.value != session_.role()) {
      return Status(sqlstate::kFeatureNotSupported, role ? "SET ROLE is not supported yet"
                                                         : "SET SESSION AUTHORIZATION is not supported yet");
    }
    return done("SET");
  }

  void warn_if_without_effect(std::string_view name) {
    const SettingInfo* info = find_setting(name);
    if (info != nullptr && !info->effective) {
      session_.add_notice("WARNING", sqlstate::kWarning,
                          "\"" + std::string(info->name) + "\" has no effect in this release");
    }
  }

  Result<Progress> run(const ShowStatement& show, Wake&) {
    tag_ = "SHOW";
    std::vector<std::vector<std::string>> rows;
    if (show.name == "all") {
      for (const SettingInfo& info : setting_table()) {
        rows.push_back({std::string(info.name), *session_.shown_setting(info.name),
                        std::string(info.description)});
      }
    } else {
      rows.push_back({*session_.shown_setting(show.name)});
    }
    *batch_ = text_rows(rows, rows[0].size());
    return Progress::kRows;
  }

  Result<Progress> run(const ResetStatement& reset, Wake&) {
    if (reset.name == "all") {
      session_.settings().reset_all();
    } else if (reset.name != "role" && reset.name != "session_authorization") {
      RETURN_IF_ERROR(session_.settings().reset(reset.name, session_.is_superuser()));
    }
    return done("RESET");
  }

  Result<Progress> run(const DiscardStatement& discard, Wake&) {
    RETURN_IF_ERROR(session_.discard(discard.what));
    switch (discard.what) {
      case DiscardStatement::What::kAll: return done("DISCARD ALL");
      case DiscardStatement::What::kPlans: return done("DISCARD PLANS");
      case DiscardStatement::What::kSequences: return done("DISCARD SEQUENCES");
      case DiscardStatement::What::kTemp: break;
    }
    return done("DISCARD TEMP");
  }

  Result<Progress> run(const AlterSystemStatement& alter, Wake&) {
    if (!session_.is_superuser()) {
      return Status(sqlstate::kInsufficientPrivilege, "permission denied: ALTER SYSTEM");
    }
    if (session_.transaction().is_explicit()) {
      return Status(sqlstate::kActiveSqlTransaction,
                    "ALTER SYSTEM cannot run inside a transaction block");
    }
    std::optional<std::string_view> value;
    if (alter.value) value = *alter.value;
    RETURN_IF_ERROR(session_.engine().settings->alter_system(
        alter.reset_all ? std::string_view{} : std::string_view(alter.name), value));
    if (!alter.reset_all) warn_if_without_effect(alter.name);
    return done("ALTER SYSTEM");
  }

  Result<Progress> run(const PrepareStatement& prepare, Wake&) {
    // The body lives inside this statement and keeps it alive.
    std::shared_ptr<const Statement> body(prepared_->statement, prepare.body.get());
    ASSIGN_OR_RETURN(auto prepared, session_.prepare_statement(body, prepare.parameter_types));
    RETURN_IF_ERROR(session_.store_prepared(prepare.name, std::move(prepared)));
    return done("PREPARE");
  }

  Result<Progress> run(const DeallocateStatement& deallocate, Wake&) {
    if (deallocate.all) {
      session_.forget_prepared();
      return done("DEALLOCATE ALL");
    }
    ASSIGN_OR_RETURN(const auto found, session_.find_prepared(deallocate.name));
    session_.close_prepared(deallocate.name);
    return done("DEALLOCATE");
  }

  Result<Progress> run(const TransactionStatement& statement, Wake& wake) {
    using Verb = TransactionStatement::Kind;
    SessionTransaction& transaction = session_.transaction();
    switch (statement.kind) {
      case Verb::kBegin:
      case Verb::kStart: return begin(statement);
      case Verb::kCommit: return commit(wake);
      case Verb::kRollback:
        warn_if_none();
        session_.rollback();
        return done("ROLLBACK");
      case Verb::kSavepoint: {
        RETURN_IF_ERROR(require_block("SAVEPOINT"));
        RETURN_IF_ERROR(transaction.savepoint(statement.savepoint));
        session_.settings().savepoint();
        return done("SAVEPOINT");
      }
      case Verb::kRelease: {
        RETURN_IF_ERROR(require_block("RELEASE SAVEPOINT"));
        ASSIGN_OR_RETURN(const size_t levels, transaction.release(statement.savepoint));
        for (size_t i = 0; i < levels; ++i) session_.settings().release_savepoint();
        return done("RELEASE");
      }
      case Verb::kRollbackTo: {
        RETURN_IF_ERROR(require_block("ROLLBACK TO SAVEPOINT"));
        ASSIGN_OR_RETURN(const size_t levels, transaction.rollback_to(statement.savepoint));
        for (size_t i = 0; i < levels; ++i) session_.settings().rollback_savepoint();
        session_.settings().savepoint();  // the savepoint itself stays
        return done("ROLLBACK");
      }
    }
    return unexpected();
  }

  Result<Progress> begin(const TransactionStatement& statement) {
    SessionTransaction& transaction = session_.transaction();
    if (transaction.is_explicit()) {
      session_.add_notice("WARNING", sqlstate::kActiveSqlTransaction,
                          "there is already a transaction in progress");
      return done(begin_tag(statement));
    }
    transaction.make_explicit();
    session_.settings().begin_transaction();
    transaction.set_isolation(statement.repeatable_read
                                  ? "repeatable read"
                                  : session_.settings().get("default_transaction_isolation")->text);
    transaction.set_read_only(statement.read_only ||
                              session_.settings().integer("default_transaction_read_only") != 0);
    return done(begin_tag(statement));
  }

  static std::string begin_tag(const TransactionStatement& statement) {
    return statement.kind == TransactionStatement::Kind::kStart ? "START TRANSACTION" : "BEGIN";
  }

  Result<Progress> commit(Wake& wake) {
    if (session_.transaction().is_failed()) {
      session_.rollback();
      return done("ROLLBACK");
    }
    if (!warned_) warn_if_none();
    warned_ = true;
    tag_ = "COMMIT";
    return session_.commit(wake);
  }

  void warn_if_none() {
    if (session_.transaction().is_explicit()) return;
    session_.add_notice("WARNING", sqlstate::kNoActiveSqlTransaction,
                        "there is no transaction in progress");
  }

  Status require_block(const char* what) const {
    if (session_.transaction().is_explicit()) return {};
    return Status(sqlstate::kNoActiveSqlTransaction,
                  std::string(what) + " can only be used in transaction blocks");
  }

  SessionImpl& session_;
  std::shared_ptr<const Prepared> prepared_;
  Batch* batch_ = nullptr;
  std::string tag_;
  bool done_ = false, warned_ = false;
};

}  // namespace

Batch text_rows(const std::vector<std::vector<std::string>>& rows, size_t columns) {
  Batch batch;
  batch.size = static_cast<uint32_t>(rows.size());
  for (size_t column = 0; column < columns; ++column) {
    Vector vector = Vector::flat(oid::kText, batch.size);
    for (uint32_t i = 0; i < batch.size; ++i) vector.set_string(i, rows[i][column]);
    batch.columns.push_back(std::move(vector));
  }
  return batch;
}

Result<std::unique_ptr<Portal>> make_command_portal(SessionImpl& session,
                                                    std::shared_ptr<const Prepared> prepared) {
  return std::unique_ptr<Portal>(std::make_unique<CommandPortal>(session, std::move(prepared)));
}

}  // namespace eventd::engine
