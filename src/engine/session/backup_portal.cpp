// SELECT eventd_backup('DIR'): a command in a query's clothes. It runs for long, on threads of its own.
#include <mutex>
#include <optional>

#include "engine/maintenance/backup.h"
#include "engine/plan/fold_constants.h"
#include "engine/session/portals.h"

namespace eventd::engine {
namespace {

/// Wakes the session when the backup has ended; the backup may outlive the portal.
class BackupWaiter {
 public:
  /// False when the backup has ended: no wake will come.
  bool wait(Wake wake) {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    wake_ = std::move(wake);
    return true;
  }
  void end() {
    Wake wake;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      wake = std::move(wake_);
    }
    if (wake) wake();
  }

 private:
  std::mutex mutex_;
  Wake wake_;           // GUARDED_BY(mutex_)
  bool ended_ = false;  // GUARDED_BY(mutex_)
};

class BackupPortal final : public Portal {
 public:
  BackupPortal(SessionImpl& session, std::shared_ptr<const Prepared> prepared)
      : session_(session), prepared_(std::move(prepared)) {}
  ~BackupPortal() override {
    if (backup_ != nullptr) backup_->cancel();
  }

  Status start(const Parameters& parameters) {
    if (!session_.is_superuser()) {
      return Status(sqlstate::kInsufficientPrivilege, "permission denied for function eventd_backup");
    }
    const EvalContext context = session_.eval_context();
    ASSIGN_OR_RETURN(ExprPtr target,
                     fold_constants(prepared_->plan->expressions[0]->children[0]->clone(), parameters,
                                    context));
    ASSIGN_OR_RETURN(const Datum value, evaluate_constant(std::move(target), context));
    if (value.is_null()) {
      result_ = Datum::null(oid::kInt8);
      return {};
    }
    target_ = value.bytes();
    return {};
  }

  Kind kind() const override { return Kind::kRows; }
  const std::vector<OutputColumn>& columns() const override { return prepared_->columns; }
  bool is_short() const override { return true; }
  std::string command_tag(uint64_t rows) const override { return "SELECT " + std::to_string(rows); }

  Result<Progress> advance(Batch& batch, Wake wake) override {
    if (delivered_) return Progress::kDone;
    if (!result_) {
      if (backup_ == nullptr) RETURN_IF_ERROR(begin());
      if (session_.cancel_token().cancelled()) backup_->cancel();
      if (waiter_->wait(std::move(wake))) return Progress::kWaiting;
      RETURN_IF_ERROR(take_result());
    }
    delivered_ = true;
    batch = {};
    batch.size = 1;
    batch.columns.push_back(Vector::constant(*result_, 1));
    return Progress::kRows;
  }

 private:
  Status begin() {
    session_.lift_timeout();
    Engine::Impl& engine = session_.engine();
    const std::lock_guard lock(engine.backup_mutex);
    if (engine.backup != nullptr && !engine.backup->is_finished()) {
      return Status(sqlstate::kObjectNotInPrerequisiteState, "another backup is running");
    }
    waiter_ = std::make_shared<BackupWaiter>();
    BackupOptions options;
    options.data_directory = engine.data_directory;
    options.target = target_;
    options.server_version = engine.settings->text("server_version");
    ASSIGN_OR_RETURN(backup_, Backup::start(*engine.shards, *engine.ingest, options,
                                            [waiter = waiter_] { waiter->end(); }));
    engine.backup = backup_;
    return {};
  }

  Status take_result() {
    Result<BackupManifest> result = backup_->take_result();
    backup_.reset();
    if (result.ok()) {
      result_ = Datum::int8(static_cast<int64_t>(result->total_bytes()));
      return {};
    }
    // In the words of what ended the statement: a request, or the server's stop.
    if (result.error().code == sqlstate::kQueryCanceled) RETURN_IF_ERROR(session_.cancel_token().check());
    return std::move(result).take_status();
  }

  SessionImpl& session_;
  std::shared_ptr<const Prepared> prepared_;
  std::string target_;
  std::shared_ptr<BackupWaiter> waiter_;
  std::shared_ptr<Backup> backup_;
  std::optional<Datum> result_;
  bool delivered_ = false;
};

}  // namespace

bool is_backup_call(const Prepared& prepared) {
  const PlanNode* plan = prepared.plan.get();
  if (plan == nullptr || plan->kind != PlanNode::Kind::kProject || plan->expressions.size() != 1 ||
      plan->children.size() != 1 || plan->children[0]->kind != PlanNode::Kind::kValues ||
      plan->children[0]->rows.size() != 1 || !plan->children[0]->columns.empty()) {
    return false;
  }
  const Expr& expression = *plan->expressions[0];
  return expression.kind == Expr::Kind::kCall && expression.function->name == "eventd_backup";
}

Result<std::unique_ptr<Portal>> make_backup_portal(SessionImpl& session,
                                                   std::shared_ptr<const Prepared> prepared,
                                                   const Parameters& parameters) {
  auto portal = std::make_unique<BackupPortal>(session, std::move(prepared));
  RETURN_IF_ERROR(portal->start(parameters));
  return std::unique_ptr<Portal>(std::move(portal));
}

}  // namespace eventd::engine
