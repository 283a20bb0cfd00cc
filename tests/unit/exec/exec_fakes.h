// A relation in memory, functions and plan nodes for the executor's tests.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/exec/executor.h"

namespace eventd::engine::testing {

/// Rows come from `make(morsel)`; a null result ends nothing, an error ends the scan.
struct FakeRelation : Relation {
  std::vector<RelationColumn> columns_;
  size_t morsels = 0;
  std::function<Result<Batch>(size_t morsel)> make;
  double time_us = 10;
  double rows = 1000;
  /// Ordered scans: partition i holds these morsels.
  std::vector<std::vector<size_t>> partitions;
  int order = -1;
  mutable std::atomic<size_t> workers{0};

  std::string_view schema() const override { return "public"; }
  std::string_view name() const override { return "fake"; }
  Oid relation_oid() const override { return 1; }
  const std::vector<RelationColumn>& columns() const override { return columns_; }
  int order_column() const override { return order; }
  PredicateSupport support(const ScanPredicate&) const override { return PredicateSupport::kNone; }
  ScanEstimate estimate(const ScanRequest&) const override { return {rows, time_us}; }

  struct Cursor : ScanCursor {
    const FakeRelation& relation;
    ScanRequest& request;
    std::function<size_t()> next_morsel;
    Cursor(const FakeRelation& r, ScanRequest& q, std::function<size_t()> n)
        : relation(r), request(q), next_morsel(std::move(n)) {}
    Result<bool> next(Batch& batch) override {
      const size_t morsel = next_morsel();
      if (morsel >= relation.morsels) return false;
      ASSIGN_OR_RETURN(Batch all, relation.make(morsel));
      batch.size = all.size;
      batch.columns.clear();
      for (const ScanColumn& column : request.columns) {
        batch.columns.push_back(all.columns[static_cast<size_t>(column.column)]);
      }
      return true;
    }
  };
  struct FakeScan : Scan {
    const FakeRelation& relation;
    ScanRequest request;
    std::atomic<size_t> taken{0};
    FakeScan(const FakeRelation& r, ScanRequest q) : relation(r), request(std::move(q)) {}
    Result<std::unique_ptr<ScanCursor>> open_worker() override {
      relation.workers.fetch_add(1);
      return std::unique_ptr<ScanCursor>(
          std::make_unique<Cursor>(relation, request, [this] { return taken.fetch_add(1); }));
    }
    size_t partitions() const override { return relation.partitions.size(); }
    Result<std::unique_ptr<ScanCursor>> open_partition(size_t i) override {
      auto at = std::make_shared<size_t>(0);
      const std::vector<size_t>& own = relation.partitions[i];
      return std::unique_ptr<ScanCursor>(std::make_unique<Cursor>(relation, request, [at, &own] {
        return *at < own.size() ? own[(*at)++] : ~size_t{0};
      }));
    }
    ScanCounters counters() const override { return {}; }
  };
  Result<std::unique_ptr<Scan>> scan(ScanRequest request) const override {
    return std::unique_ptr<Scan>(std::make_unique<FakeScan>(*this, std::move(request)));
  }
};

inline Vector int8s(const std::vector<int64_t>& values) {
  Vector vector = Vector::flat(oid::kInt8, static_cast<uint32_t>(values.size()));
  for (uint32_t i = 0; i < values.size(); ++i) vector.data<int64_t>()[i] = values[i];
  return vector;
}

/// A relation of int8 columns given row by row, `per_morsel` rows a morsel.
inline std::unique_ptr<FakeRelation> int8_relation(std::vector<std::vector<int64_t>> columns,
                                                   uint32_t per_morsel = 100) {
  auto relation = std::make_unique<FakeRelation>();
  const size_t rows = columns[0].size();
  for (size_t c = 0; c < columns.size(); ++c) {
    relation->columns_.push_back({"c" + std::to_string(c), {oid::kInt8, -1}, false});
  }
  relation->morsels = (rows + per_morsel - 1) / per_morsel;
  relation->rows = static_cast<double>(rows);
  auto data = std::make_shared<std::vector<std::vector<int64_t>>>(std::move(columns));
  relation->make = [data, rows, per_morsel](size_t morsel) -> Result<Batch> {
    Batch batch;
    const size_t first = morsel * per_morsel;
    const size_t count = std::min<size_t>(per_morsel, rows - first);
    batch.size = static_cast<uint32_t>(count);
    for (const auto& column : *data) {
      const auto begin = column.begin() + static_cast<ptrdiff_t>(first);
      batch.columns.push_back(int8s({begin, begin + static_cast<ptrdiff_t>(count)}));
    }
    return batch;
  };
  return relation;
}

inline PlanPtr scan_of(const FakeRelation& relation) {
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kScan);
  plan->relation = &relation;
  for (size_t c = 0; c < relation.columns_.size(); ++c) {
    ScanColumn column;
    column.column = static_cast<int>(c);
    column.type = relation.columns_[c].type;
    plan->scan_columns.push_back(column);
    plan->columns.push_back({relation.columns_[c].name, column.type});
  }
  return plan;
}

inline PlanPtr over(PlanNode::Kind kind, PlanPtr child) {
  auto plan = std::make_unique<PlanNode>(kind);
  plan->columns = child->columns;
  plan->children.push_back(std::move(child));
  return plan;
}

inline ExprPtr column(int index, Oid type = oid::kInt8) { return Expr::column(index, {type, -1}); }
inline ExprPtr constant(Datum value) {
  const Oid type = value.type();
  return Expr::constant_of(std::move(value), {type, -1});
}

inline ExprPtr node_of(Expr::Kind kind, Oid type, std::vector<ExprPtr> children) {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->type = {type, -1};
  expr->children = std::move(children);
  return expr;
}

template <class... E>
std::vector<ExprPtr> list(E... expressions) {
  std::vector<ExprPtr> result;
  (result.push_back(std::move(expressions)), ...);
  return result;
}

/// Strict binary int8 kernels.
template <class F>
Status int8_kernel(const CallFrame& frame, Vector& result, Oid type, const F& f) {
  result = Vector::flat(type, frame.rows);
  const auto a = frame.arguments[0].view<int64_t>(), b = frame.arguments[1].view<int64_t>();
  for (uint32_t i = 0; i < frame.rows; ++i) {
    if (!a.valid(i) || !b.valid(i)) {
      result.set_null(i);
      continue;
    }
    RETURN_IF_ERROR(f(result, i, a[i], b[i]));
  }
  return {};
}

inline const ScalarFunction& divide() {
  static const ScalarFunction function = [] {
    ScalarFunction f;
    f.name = "int8div";
    f.arguments = {oid::kInt8, oid::kInt8};
    f.result = oid::kInt8;
    f.kernel = [](const CallFrame& frame, Vector& result) {
      return int8_kernel(frame, result, oid::kInt8, [](Vector& out, uint32_t i, int64_t a, int64_t b) -> Status {
        if (b == 0) return {sqlstate::kDivisionByZero, "division by zero"};
        out.data<int64_t>()[i] = a / b;
        return {};
      });
    };
    return f;
  }();
  return function;
}

inline const ScalarFunction& less() {
  static const ScalarFunction function = [] {
    ScalarFunction f;
    f.name = "int8lt";
    f.arguments = {oid::kInt8, oid::kInt8};
    f.result = oid::kBool;
    f.kernel = [](const CallFrame& frame, Vector& result) {
      return int8_kernel(frame, result, oid::kBool, [](Vector& out, uint32_t i, int64_t a, int64_t b) -> Status {
        out.data<uint8_t>()[i] = a < b ? 1 : 0;
        return {};
      });
    };
    return f;
  }();
  return function;
}

inline const ScalarFunction& equals() {
  static const ScalarFunction function = [] {
    ScalarFunction f;
    f.name = "fake_eq";
    f.arguments = {oid::kInt8, oid::kInt8};
    f.result = oid::kBool;
    f.kernel = [](const CallFrame& frame, Vector& result) {
      return int8_kernel(frame, result, oid::kBool, [](Vector& out, uint32_t i, int64_t a, int64_t b) -> Status {
        out.data<uint8_t>()[i] = a == b ? 1 : 0;
        return {};
      });
    };
    return f;
  }();
  return function;
}

inline ExprPtr call(const ScalarFunction& function, ExprPtr a, ExprPtr b) {
  return Expr::call(&function, {function.result, -1}, list(std::move(a), std::move(b)));
}

/// sum of int8 and count in one state; NULL of no rows.
struct SumState {
  int64_t sum;
  int64_t count;
};
inline const AggregateFunction& sum() {
  static const AggregateFunction function = [] {
    AggregateFunction f;
    f.name = "sum";
    f.arguments = {oid::kInt8};
    f.result = oid::kInt8;
    f.state_size = sizeof(SumState);
    f.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows, void* const* states) -> Status {
      const auto values = arguments[0].view<int64_t>();
      for (uint32_t i = 0; i < rows; ++i) {
        if (!values.valid(i)) continue;
        auto* state = static_cast<SumState*>(states[i]);
        state->sum += values[i];
        ++state->count;
      }
      return {};
    };
    f.combine = [](const EvalContext&, void* into, void* from) -> Status {
      static_cast<SumState*>(into)->sum += static_cast<SumState*>(from)->sum;
      static_cast<SumState*>(into)->count += static_cast<SumState*>(from)->count;
      return {};
    };
    f.finalize = [](const EvalContext&, void* state, Type, Vector& result, uint32_t row) -> Status {
      const auto* sum_state = static_cast<SumState*>(state);
      if (sum_state->count == 0) {
        result.set_null(row);
      } else {
        result.data<int64_t>()[row] = sum_state->sum;
      }
      return {};
    };
    return f;
  }();
  return function;
}
/// count(*) and count(x).
inline const AggregateFunction& count() {
  static const AggregateFunction function = [] {
    AggregateFunction f;
    f.name = "count";
    f.result = oid::kInt8;
    f.state_size = sizeof(int64_t);
    f.update = [](const EvalContext&, std::span<const Vector> arguments, uint32_t rows, void* const* states) -> Status {
      for (uint32_t i = 0; i < rows; ++i) {
        if (arguments.empty() || !arguments[0].is_null(i)) ++*static_cast<int64_t*>(states[i]);
      }
      return {};
    };
    f.combine = [](const EvalContext&, void* into, void* from) -> Status {
      *static_cast<int64_t*>(into) += *static_cast<int64_t*>(from);
      return {};
    };
    f.finalize = [](const EvalContext&, void* state, Type, Vector& result, uint32_t row) -> Status {
      result.data<int64_t>()[row] = *static_cast<int64_t*>(state);
      return {};
    };
    return f;
  }();
  return function;
}

inline AggregateCall aggregate(const AggregateFunction& function, ExprPtr argument = nullptr) {
  AggregateCall call;
  call.function = &function;
  call.type = {function.result, -1};
  if (argument != nullptr) call.arguments.push_back(std::move(argument));
  return call;
}

inline PlanPtr group(PlanPtr child, std::vector<ExprPtr> keys, AggregateCall first) {
  auto plan = over(PlanNode::Kind::kAggregate, std::move(child));
  plan->columns.clear();
  for (const ExprPtr& key : keys) plan->columns.push_back({"key", key->type});
  plan->columns.push_back({"value", first.type});
  plan->group_by = std::move(keys);
  plan->aggregates.push_back(std::move(first));
  return plan;
}

inline SortKey key_of(ExprPtr expression, bool descending = false) {
  SortKey key;
  key.expression = std::move(expression);
  key.descending = descending;
  key.nulls_first = descending;
  return key;
}

inline PlanPtr limit_of(PlanPtr child, Datum limit, Datum offset) {
  auto plan = over(PlanNode::Kind::kLimit, std::move(child));
  plan->limit = constant(std::move(limit));
  plan->offset = constant(std::move(offset));
  return plan;
}

struct Rows {
  Status status;
  std::vector<std::vector<Datum>> rows;
};

/// Runs a plan to its end.
inline Rows run(PlanPtr plan, ExecutionContext context = {}) {
  Rows result;
  Result<std::unique_ptr<Execution>> execution = start_execution(std::move(plan), std::move(context));
  if (!execution.ok()) {
    result.status = std::move(execution).take_status();
    return result;
  }
  for (;;) {
    Batch batch;
    Result<bool> more = (*execution)->next(batch);
    if (!more.ok()) {
      result.status = std::move(more).take_status();
      return result;
    }
    if (!*more) return result;
    for (uint32_t i = 0; i < batch.size; ++i) {
      std::vector<Datum> row;
      for (const Vector& vector : batch.columns) row.push_back(vector.datum(i));
      result.rows.push_back(std::move(row));
    }
  }
}

}  // namespace eventd::engine::testing
