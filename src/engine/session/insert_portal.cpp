// INSERT INTO events: the source query's rows go to the transaction; the commit is the session's,
// unless RETURNING asks for what only the commit decides.
#include <algorithm>

#include "engine/exec/compiled_expression.h"
#include "engine/plan/fold_constants.h"
#include "engine/session/insert_returning.h"
#include "engine/session/portals.h"

namespace eventd::engine {
namespace {

/// VALUES lists up to this many rows are evaluated here, without an execution and its snapshot.
constexpr size_t kRowsHereMax = 64;

class InsertPortal final : public Portal {
 public:
  InsertPortal(SessionImpl& session, std::shared_ptr<const Prepared> prepared)
      : session_(session),
        memory_(*session.engine().memory, session.hot_settings().query_buffer_bytes),
        prepared_(std::move(prepared)) {}

  Status start(const Parameters& parameters) {
    if (prepared_->returns_rows) RETURN_IF_ERROR(start_returning());
    ASSIGN_OR_RETURN(transaction_, session_.events_for_insert(false));
    sink_.emplace(*transaction_, session_.event_row_limits());
    const std::vector<OutputColumn>& columns = prepared_->plan->columns;
    for (size_t i = 0; i < columns.size(); ++i) {
      (columns[i].name == "event_type" ? type_column_ : payload_column_) = static_cast<int>(i);
      msgpack_ |= columns[i].type.id == oid::kBytea;
    }
    if (prepared_->plan->kind == PlanNode::Kind::kValues && prepared_->plan->rows.size() <= kRowsHereMax)
      return fold_values(parameters);
    ASSIGN_OR_RETURN(ExecutionContext context, session_.execution_context(*prepared_->plan));
    context.memory = &memory_;
    ASSIGN_OR_RETURN(PlanPtr plan, optimize(prepared_->plan->clone(), parameters, context.eval));
    ASSIGN_OR_RETURN(execution_, start_execution(std::move(plan), std::move(context)));
    is_short_ = execution_->is_short();
    return {};
  }

  Kind kind() const override { return returning_ ? Kind::kRows : Kind::kCommand; }
  const std::vector<OutputColumn>& columns() const override { return prepared_->columns; }
  bool is_short() const override { return is_short_; }

  Result<Progress> advance(Batch& batch, Wake wake) override {
    if (execution_ != nullptr || values_left_) {
      ASSIGN_OR_RETURN(const Progress progress, insert_rows(wake));
      if (progress == Progress::kWaiting) return progress;
    }
    if (!returning_) return Progress::kDone;
    if (returning_->needs_commit() && !committed_) {
      ASSIGN_OR_RETURN(const Progress progress, session_.commit(true, std::move(wake)));
      if (progress == Progress::kWaiting) return progress;
      committed_ = true;
      returning_->set_outcome(session_.transaction().last_outcome());
    }
    return returning_->next(batch) ? Progress::kRows : Progress::kDone;
  }

  std::string command_tag(uint64_t) const override { return "INSERT 0 " + std::to_string(rows_); }

 private:
  Status start_returning() {
    returning_.emplace(prepared_->columns, session_.engine().boot_id, session_.event_stamp(), memory_);
    if (!returning_->needs_commit()) return {};
    if (session_.transaction().is_explicit()) {
      return Status(sqlstate::kFeatureNotSupported,
                    "RETURNING sequence or cpu_id inside a transaction is not supported: the commit "
                    "assigns them");
    }
    const EventTransaction* events = session_.transaction().events_or_null();
    if (events != nullptr && events->row_count() != 0) {
      return Status(sqlstate::kFeatureNotSupported,
                    "RETURNING sequence or cpu_id after other rows of the same query string is not "
                    "supported");
    }
    return {};
  }

  /// What isn't a constant yet becomes one, volatile functions excepted.
  Status fold_values(const Parameters& parameters) {
    const EvalContext context = session_.eval_context();
    for (const auto& row : prepared_->plan->rows) {
      for (const ExprPtr& value : row) {
        if (value->kind == Expr::Kind::kConstant) continue;
        ASSIGN_OR_RETURN(ExprPtr folded, fold_constants(value->clone(), parameters, context));
        folded_.push_back(std::move(folded));
      }
    }
    values_left_ = true;
    return {};
  }

  Status insert_values() {
    size_t next_folded = 0;
    Datum type_value, payload_value;
    for (const auto& row : prepared_->plan->rows) {
      const Datum* type = nullptr;
      const Datum* payload = nullptr;
      for (size_t i = 0; i < row.size(); ++i) {
        const bool is_type = static_cast<int>(i) == type_column_;
        const Expr* value = row[i].get();
        if (value->kind != Expr::Kind::kConstant) value = folded_[next_folded++].get();
        const Datum*& datum = is_type ? type : payload;
        if (value->kind == Expr::Kind::kConstant) {
          datum = &value->constant;
          continue;
        }
        Datum& evaluated = is_type ? type_value : payload_value;
        ASSIGN_OR_RETURN(evaluated, evaluate_constant(*value, session_.eval_context()));
        datum = &evaluated;
      }
      ++rows_;
      if (type == nullptr || type->is_null()) return no_event_type();
      const bool has_payload = payload != nullptr && !payload->is_null();
      RETURN_IF_ERROR(add_row(type->bytes(), has_payload,
                              has_payload ? as_bytes(payload->bytes()) : ByteSpan{}));
    }
    return {};
  }

  Result<Progress> insert_rows(Wake& wake) {
    if (values_left_) {
      RETURN_IF_ERROR(session_.cancel_token().check());
      if (!transaction_->ready_for_more(wake)) return Progress::kWaiting;
      values_left_ = false;
      RETURN_IF_ERROR(insert_values());
    }
    while (execution_ != nullptr) {
      RETURN_IF_ERROR(session_.cancel_token().check());
      if (!transaction_->ready_for_more(wake)) return Progress::kWaiting;
      Batch batch;
      ASSIGN_OR_RETURN(const bool more, execution_->next(batch));
      if (!more) {
        execution_.reset();
        break;
      }
      RETURN_IF_ERROR(add(batch));
    }
    if (returning_ && returning_->needs_commit() && transaction_->spilled()) {
      return Status(sqlstate::kProgramLimitExceeded,
                    "too many rows for RETURNING sequence or cpu_id: more than emit_buffer");
    }
    return Progress::kDone;
  }

  Status add(const Batch& batch) {
    const auto types = batch.columns[static_cast<size_t>(type_column_)].view<StringRef>();
    const Vector no_payload = Vector::null_constant(oid::kJsonb, batch.size);
    const Vector& payload_vector =
        payload_column_ < 0 ? no_payload : batch.columns[static_cast<size_t>(payload_column_)];
    const auto payloads = payload_vector.view<StringRef>();
    for (uint32_t i = 0; i < batch.size; ++i) {
      ++rows_;
      if (!types.valid(i)) return no_event_type();
      const bool has_payload = payloads.valid(i);
      RETURN_IF_ERROR(add_row(types[i].view(), has_payload,
                              has_payload ? as_bytes(payloads[i].view()) : ByteSpan{}));
    }
    return {};
  }

  Status add_row(std::string_view type, bool has_payload, ByteSpan payload) {
    Status status = msgpack_ && has_payload ? sink_->add_msgpack(type, payload)
                                            : sink_->add(type, payload);
    if (!status.ok()) return with_row(std::move(status));
    return returning_ ? returning_->add(type, payload) : Status();
  }

  Status no_event_type() const {
    return with_row(Status(sqlstate::kNotNullViolation,
                           "null value in column \"event_type\" of relation \"events\" violates "
                           "not-null constraint"));
  }

  Status with_row(Status status) const {
    status.error().context = "INSERT, row " + std::to_string(rows_);
    return status;
  }

  SessionImpl& session_;
  MemoryAccount memory_;
  std::shared_ptr<const Prepared> prepared_;
  EventTransaction* transaction_ = nullptr;
  std::optional<EventRowSink> sink_;
  std::optional<InsertReturning> returning_;
  bool committed_ = false;
  int type_column_ = -1, payload_column_ = -1;
  bool msgpack_ = false;  // the payload column is bytea
  std::unique_ptr<Execution> execution_;
  std::vector<ExprPtr> folded_;  // of a VALUES list, row by row: what was no constant in the plan
  bool values_left_ = false;     // they are still to be inserted
  bool is_short_ = true;
  uint64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<Portal>> make_insert_portal(SessionImpl& session,
                                                   std::shared_ptr<const Prepared> prepared,
                                                   const Parameters& parameters) {
  auto portal = std::make_unique<InsertPortal>(session, std::move(prepared));
  RETURN_IF_ERROR(portal->start(parameters));
  return std::unique_ptr<Portal>(std::move(portal));
}

}  // namespace eventd::engine
