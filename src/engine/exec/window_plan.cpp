#include "engine/exec/window_plan.h"

#include "engine/exec/vector_scatter.h"

namespace eventd::engine {

namespace {

using Bound = WindowFrame::Bound;
using Exclusion = WindowFrame::Exclusion;

bool is_ranking(const WindowFunction* function) {
  if (function == nullptr) return false;
  switch (function->kind) {
    case WindowFunction::Kind::kRank:
    case WindowFunction::Kind::kDenseRank:
    case WindowFunction::Kind::kPercentRank:
    case WindowFunction::Kind::kCumeDist: return true;
    default: return false;
  }
}

bool needs_peers_for(const WindowCall& call) {
  const WindowFrame& frame = call.frame;
  return is_ranking(call.function) || frame.mode != WindowFrame::Mode::kRows ||
         frame.exclusion == Exclusion::kGroup || frame.exclusion == Exclusion::kTies;
}

/// NULLs, then the values for the rows where the filter is true.
Status compute_filtered(const WindowPlan::Computed& computed, const Batch& batch,
                        const EvalContext& context, Vector& out) {
  const Vector& filter = batch.columns[static_cast<size_t>(computed.filter)];
  const VectorView<uint8_t> keep = filter.view<uint8_t>();
  std::vector<uint32_t> rows;
  rows.reserve(batch.size);
  out = Vector::flat(computed.type, batch.size);
  std::memset(out.data<std::byte>(), 0, batch.size * physical_size(physical_of(computed.type)));
  for (uint32_t i = 0; i < batch.size; ++i) {
    if (keep.valid(i) && keep[i] != 0) {
      rows.push_back(i);
    } else {
      out.set_null(i);
    }
  }
  if (rows.empty()) return {};
  const uint32_t count = static_cast<uint32_t>(rows.size());
  ASSIGN_OR_RETURN(const Vector values,
                   computed.expression->evaluate(batch.select(rows.data(), count), context));
  scatter(values, rows.data(), count, out);
  return {};
}

Status offset_error(const Datum& value, bool is_start, WindowFrame::Mode mode) {
  const std::string name = is_start ? "starting" : "ending";
  if (value.is_null()) {
    return {sqlstate::kNullValueNotAllowed, "frame " + name + " offset must not be null"};
  }
  if (mode == WindowFrame::Mode::kRange) return {};
  const auto* number = std::get_if<int64_t>(&value.value());
  if (number == nullptr) return {sqlstate::kInternalError, "frame offset is no bigint"};
  if (*number < 0) {
    return {sqlstate::kInvalidPrecedingOrFollowingSize,
            "frame " + name + " offset must not be negative"};
  }
  return {};
}

}  // namespace

Oid WindowPlan::type_of(int column) const {
  const size_t index = static_cast<size_t>(column);
  return index < child_columns ? child_types[index] : computed[index - child_columns].type;
}

Result<int> WindowPlan::column_of(const Expr& expr, int filter, const EvalContext& context) {
  if (expr.kind == Expr::Kind::kColumn) return expr.index;
  for (size_t i = 0; i < computed.size(); ++i) {
    if (computed[i].filter == filter && computed[i].expression->expr().equals(expr)) {
      return static_cast<int>(child_columns + i);
    }
  }
  Computed entry;
  ASSIGN_OR_RETURN(entry.expression, CompiledExpression::compile(expr, context));
  entry.type = expr.type.id;
  entry.filter = filter;
  computed.push_back(std::move(entry));
  return static_cast<int>(child_columns + computed.size() - 1);
}

Result<std::shared_ptr<const WindowPlan>> WindowPlan::compile(const PlanNode& node,
                                                              const EvalContext& context) {
  auto plan = std::make_shared<WindowPlan>();
  for (const OutputColumn& column : node.children[0]->columns) plan->child_types.push_back(column.type.id);
  plan->child_columns = plan->child_types.size();
  for (const ExprPtr& key : node.group_by) {
    ASSIGN_OR_RETURN(const int column, plan->column_of(*key, -1, context));
    plan->partition_by.push_back(column);
  }
  for (const SortKey& key : node.sort_keys) {
    ASSIGN_OR_RETURN(const int column, plan->column_of(*key.expression, -1, context));
    plan->order_by.push_back({column, key.descending, key.nulls_first});
  }
  for (const WindowCall& call : node.window_calls) {
    const bool can_run = call.function != nullptr ||
                         (call.aggregate != nullptr && call.aggregate->update != nullptr &&
                          call.aggregate->finalize != nullptr);
    if (!can_run) return Status(sqlstate::kInternalError, "window call without an implementation");
    Call compiled;
    compiled.call = &call;
    if (call.filter != nullptr) {
      ASSIGN_OR_RETURN(compiled.filter, plan->column_of(*call.filter, -1, context));
    }
    for (const ExprPtr& argument : call.arguments) {
      ASSIGN_OR_RETURN(const int column, plan->column_of(*argument, compiled.filter, context));
      compiled.arguments.push_back(column);
    }
    plan->needs_peers = plan->needs_peers || needs_peers_for(call);
    plan->calls.push_back(std::move(compiled));
  }
  return std::shared_ptr<const WindowPlan>(std::move(plan));
}

Status WindowPlan::compute(Batch& batch, const EvalContext& context) const {
  for (const Computed& entry : computed) {
    Vector values;
    if (entry.filter >= 0) {
      RETURN_IF_ERROR(compute_filtered(entry, batch, context, values));
    } else {
      ASSIGN_OR_RETURN(values, entry.expression->evaluate(batch, context));
    }
    batch.columns.push_back(std::move(values));
  }
  return {};
}

Result<FrameOffsets> evaluate_offsets(const WindowFrame& frame, const EvalContext& context) {
  FrameOffsets offsets;
  if (frame.start_offset != nullptr) {
    ASSIGN_OR_RETURN(offsets.start, evaluate_constant(*frame.start_offset, context));
    RETURN_IF_ERROR(offset_error(offsets.start, true, frame.mode));
  }
  if (frame.end_offset != nullptr) {
    ASSIGN_OR_RETURN(offsets.end, evaluate_constant(*frame.end_offset, context));
    RETURN_IF_ERROR(offset_error(offsets.end, false, frame.mode));
  }
  return offsets;
}

}  // namespace eventd::engine
