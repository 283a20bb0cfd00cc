#include "engine/session/planning_effort.h"
#include "engine/session/portals.h"
#include "engine/session/set_config.h"

namespace eventd::engine {
namespace {

/// One of max_concurrent_queries.
class QuerySlot {
 public:
  static Result<std::unique_ptr<QuerySlot>> take(SessionImpl& session) {
    Engine::Impl& engine = session.engine();
    const int64_t most = session.hot_settings().max_concurrent_queries;
    if (engine.running_queries.fetch_add(1, std::memory_order_relaxed) >= most) {
      engine.running_queries.fetch_sub(1, std::memory_order_relaxed);
      Error error;
      error.code = sqlstate::kTooManyConnections;
      error.message = "too many queries are running";
      error.hint = "The limit is max_concurrent_queries (" + std::to_string(most) + ").";
      return error;
    }
    return std::unique_ptr<QuerySlot>(new QuerySlot(engine));
  }
  ~QuerySlot() { engine_.running_queries.fetch_sub(1, std::memory_order_relaxed); }

 private:
  explicit QuerySlot(Engine::Impl& engine) : engine_(engine) {}
  Engine::Impl& engine_;
};

class QueryPortal final : public Portal {
 public:
  QueryPortal(SessionImpl& session, std::shared_ptr<const Prepared> prepared,
              const CopyStatement* copy)
      : session_(session),
        memory_(*session.engine().memory, session.hot_settings().query_buffer_bytes),
        prepared_(std::move(prepared)),
        copy_(copy) {}

  Status start(SessionImpl& session, const Parameters& parameters) {
    ASSIGN_OR_RETURN(slot_, QuerySlot::take(session));
    ASSIGN_OR_RETURN(ExecutionContext context, session.execution_context(*prepared_->plan));
    context.memory = &memory_;
    snapshot_ = context.snapshot;
    if (prepared_->plans_long || are_large(parameters)) {
      // Off the I/O thread, by the first advance().
      deferred_ = std::make_unique<Deferred>(Deferred{std::move(context), parameters});
      is_short_ = false;
      return {};
    }
    RETURN_IF_ERROR(start_now(std::move(context), parameters));
    is_short_ = execution_->is_short();
    return {};
  }

  Kind kind() const override { return copy_ != nullptr ? Kind::kCopyOut : Kind::kRows; }
  const std::vector<OutputColumn>& columns() const override { return prepared_->columns; }
  bool is_short() const override { return is_short_; }
  const CopyStatement* copy_out() const override { return copy_; }

  Result<Progress> advance(Batch& batch, Wake) override {
    if (deferred_ != nullptr) {
      const std::unique_ptr<Deferred> begin = std::move(deferred_);
      RETURN_IF_ERROR(start_now(std::move(begin->context), begin->parameters));
    }
    if (execution_ == nullptr) return Progress::kDone;
    RETURN_IF_ERROR(session_.check_age(*snapshot_));
    ASSIGN_OR_RETURN(const bool more, execution_->next(batch));
    if (more) return Progress::kRows;
    if (execution_->damaged_tails() > 0) {
      session_.add_notice("WARNING", sqlstate::kWarning,
                          "the result may lack rows: some stored events are damaged and cannot be read");
    }
    execution_.reset();
    slot_.reset();
    return Progress::kDone;
  }

  std::string command_tag(uint64_t rows) const override {
    return (copy_ != nullptr ? "COPY " : "SELECT ") + std::to_string(rows);
  }

 private:
  struct Deferred {
    ExecutionContext context;
    Parameters parameters;
  };

  Status start_now(ExecutionContext context, const Parameters& parameters) {
    PlanPtr plan = prepared_->plan->clone();
    RETURN_IF_ERROR(run_set_config(session_, *plan, parameters));
    ASSIGN_OR_RETURN(plan, optimize(std::move(plan), parameters, context.eval));
    ASSIGN_OR_RETURN(execution_, start_execution(std::move(plan), std::move(context)));
    return {};
  }

  SessionImpl& session_;
  MemoryAccount memory_;
  std::shared_ptr<const Prepared> prepared_;
  const CopyStatement* copy_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Deferred> deferred_;
  std::unique_ptr<QuerySlot> slot_;
  std::unique_ptr<Execution> execution_;
  bool is_short_ = true;
};

}  // namespace

Result<std::unique_ptr<Portal>> make_query_portal(SessionImpl& session,
                                                  std::shared_ptr<const Prepared> prepared,
                                                  const Parameters& parameters,
                                                  const CopyStatement* copy) {
  auto portal = std::make_unique<QueryPortal>(session, std::move(prepared), copy);
  RETURN_IF_ERROR(portal->start(session, parameters));
  return std::unique_ptr<Portal>(std::move(portal));
}

}  // namespace eventd::engine
