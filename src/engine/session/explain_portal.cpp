#include <utility>

#include "engine/session/planning_effort.h"
#include "engine/session/portals.h"

namespace eventd::engine {
namespace {

class ExplainPortal final : public Portal {
 public:
  ExplainPortal(SessionImpl& session, std::shared_ptr<const Prepared> prepared)
      : memory_(*session.engine().memory, session.hot_settings().query_buffer_bytes),
        prepared_(std::move(prepared)) {}

  Status start(SessionImpl& session, const ExplainStatement& statement, const Parameters& parameters) {
    options_.analyze = statement.analyze;
    options_.verbose = statement.verbose;
    options_.costs = statement.costs;
    options_.json = statement.format == ExplainStatement::Format::kJson;
    ASSIGN_OR_RETURN(context_, session.execution_context(*prepared_->plan));
    context_.memory = &memory_;
    parameters_ = parameters;
    is_short_ = !options_.analyze && !prepared_->plans_long && !are_large(parameters);
    return {};
  }

  Kind kind() const override { return Kind::kRows; }
  const std::vector<OutputColumn>& columns() const override { return prepared_->columns; }
  bool is_short() const override { return is_short_; }

  Result<Progress> advance(Batch& batch, Wake) override {
    if (std::exchange(done_, true)) return Progress::kDone;
    ASSIGN_OR_RETURN(PlanPtr plan, optimize(prepared_->plan->clone(), parameters_, context_.eval));
    ASSIGN_OR_RETURN(const auto lines, explain(std::move(plan), std::move(context_), options_));
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : lines) rows.push_back({line});
    batch = text_rows(rows, 1);
    return Progress::kRows;
  }
  std::string command_tag(uint64_t) const override { return "EXPLAIN"; }

 private:
  MemoryAccount memory_;
  std::shared_ptr<const Prepared> prepared_;
  ExplainOptions options_;
  ExecutionContext context_;
  Parameters parameters_;
  bool is_short_ = true, done_ = false;
};

}  // namespace

Result<std::unique_ptr<Portal>> make_explain_portal(SessionImpl& session,
                                                    std::shared_ptr<const Prepared> prepared,
                                                    const ExplainStatement& statement,
                                                    const Parameters& parameters) {
  auto portal = std::make_unique<ExplainPortal>(session, std::move(prepared));
  RETURN_IF_ERROR(portal->start(session, statement, parameters));
  return std::unique_ptr<Portal>(std::move(portal));
}

}  // namespace eventd::engine
