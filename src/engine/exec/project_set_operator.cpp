#include "engine/exec/project_set_operator.h"

#include <algorithm>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

Result<std::shared_ptr<const ProjectSetPlan>> ProjectSetPlan::compile(const PlanNode& node,
                                                                      const EvalContext& context) {
  auto plan = std::make_shared<ProjectSetPlan>();
  size_t next = 0;
  for (const SetCall& set_call : node.set_calls) {
    Call call;
    call.function = set_call.function;
    call.first_column = next;
    call.column_count = set_call.column_count;
    next += set_call.column_count;
    if (call.function == nullptr && call.column_count != 1) {
      return Status(sqlstate::kFeatureNotSupported, "a function that returns a record is not supported here");
    }
    for (const ExprPtr& argument : set_call.arguments) {
      ASSIGN_OR_RETURN(ExpressionPtr compiled, CompiledExpression::compile(*argument, context));
      call.arguments.push_back(std::move(compiled));
    }
    plan->calls.push_back(std::move(call));
  }
  const size_t child_columns = node.children[0]->columns.size();
  for (size_t c = child_columns; c < node.columns.size(); ++c) plan->types.push_back(node.columns[c].type.id);
  plan->ordinality = node.ordinality;
  plan->left = node.join_type == JoinType::kLeft;
  if (plan->types.size() != next + (plan->ordinality ? 1 : 0)) {
    return Status(sqlstate::kInternalError, "columns of set-returning functions don't match");
  }
  return std::shared_ptr<const ProjectSetPlan>(std::move(plan));
}

ProjectSetOperator::ProjectSetOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                                       std::shared_ptr<const ProjectSetPlan> plan)
    : BatchSource(context, stats), child_(std::move(child)), plan_(std::move(plan)), rows_(plan_->calls.size()) {}

Result<bool> ProjectSetOperator::take_batch() {
  ASSIGN_OR_RETURN(const bool more, child_->next(input_));
  if (!more) return false;
  row_ = 0;
  arguments_.clear();
  for (const ProjectSetPlan::Call& call : plan_->calls) {
    arguments_.emplace_back();
    for (const ExpressionPtr& argument : call.arguments) {
      ASSIGN_OR_RETURN(Vector value, argument->evaluate(input_, eval()));
      arguments_.back().push_back(std::move(value));
    }
  }
  return true;
}

Status ProjectSetOperator::open_row() {
  row_open_ = true;
  ordinal_ = 0;
  for (size_t c = 0; c < rows_.size(); ++c) {
    const ProjectSetPlan::Call& call = plan_->calls[c];
    Rows& rows = rows_[c];
    rows.next = 0;
    rows.ended = false;
    rows.cursor.reset();
    rows.batch.size = 0;
    if (call.function == nullptr) {
      rows.batch.columns = {Vector::repeat(arguments_[c][0], row_, 1)};
      rows.batch.size = 1;
      continue;
    }
    std::vector<Datum> values;
    for (const Vector& argument : arguments_[c]) values.push_back(argument.datum(row_));
    ASSIGN_OR_RETURN(rows.cursor, call.function->open(eval(), values));
  }
  return {};
}

Status ProjectSetOperator::refill(Rows& rows) {
  while (!rows.ended && rows.left() == 0) {
    rows.next = 0;
    rows.batch.size = 0;
    if (rows.cursor == nullptr) {
      rows.ended = true;
      break;
    }
    ASSIGN_OR_RETURN(const bool more, rows.cursor->next(rows.batch));
    if (more) continue;
    rows.ended = true;
    rows.batch.size = 0;
    rows.cursor.reset();
  }
  return {};
}

void ProjectSetOperator::add_column(size_t c, uint32_t first, uint32_t count) {
  const ProjectSetPlan::Call& call = plan_->calls[c];
  Rows& rows = rows_[c];
  const bool ended = rows.ended;
  for (size_t i = 0; i < call.column_count; ++i) {
    Vector& out = output_[call.first_column + i];
    if (ended) {
      for (uint32_t r = 0; r < count; ++r) out.set_null(first + r);
      dispatch_physical(physical_of(out.type()), [&](auto tag) {
        using T = typename decltype(tag)::type;
        std::fill_n(out.data<T>() + first, count, T{});
      });
      continue;
    }
    const Vector& from = rows.batch.columns[i];
    dispatch_physical(physical_of(out.type()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const VectorView<T> values = from.view<T>();
      for (uint32_t r = 0; r < count; ++r) {
        const uint32_t at = rows.next + r;
        if (!values.valid(at)) {
          out.data<T>()[first + r] = T{};
          out.set_null(first + r);
        } else if constexpr (std::is_same_v<T, StringRef>) {
          out.set_string(first + r, values[at].view());
        } else {
          out.data<T>()[first + r] = values[at];
        }
      }
    });
  }
  if (!ended) rows.next += count;
}

Status ProjectSetOperator::add_rows() {
  while (output_size_ < kBatchRows) {
    uint32_t count = 0;
    for (Rows& rows : rows_) {
      RETURN_IF_ERROR(refill(rows));
      if (!rows.ended) count = count == 0 ? rows.left() : std::min(count, rows.left());
    }
    const bool filler = count == 0 && plan_->left && ordinal_ == 0;
    if (count == 0) row_open_ = false;
    if (count == 0 && !filler) return {};
    count = std::min(std::max(count, 1U), kBatchRows - output_size_);
    for (size_t c = 0; c < rows_.size(); ++c) add_column(c, output_size_, count);
    if (plan_->ordinality) {
      Vector& out = output_.back();
      for (uint32_t r = 0; r < count; ++r) {
        out.data<int64_t>()[output_size_ + r] = ordinal_ + r + 1;
        if (filler) out.set_null(output_size_ + r);
      }
    }
    ordinal_ += count;
    output_rows_.insert(output_rows_.end(), count, row_);
    output_size_ += count;
    if (filler) return {};
  }
  return {};
}

Batch ProjectSetOperator::take_output() {
  Batch result = input_.select(output_rows_.data(), output_size_);
  for (Vector& column : output_) {
    column.set_size(output_size_);
    result.columns.push_back(std::move(column));
  }
  output_.clear();
  output_rows_.clear();
  output_size_ = 0;
  return result;
}

Result<bool> ProjectSetOperator::produce(Batch& batch) {
  for (;;) {
    if (context().cancel != nullptr) RETURN_IF_ERROR(context().cancel->check());
    if (row_ == input_.size) {
      if (output_size_ > 0) break;
      ASSIGN_OR_RETURN(const bool more, take_batch());
      if (!more) return false;
    }
    if (output_.empty()) {
      for (const Oid type : plan_->types) output_.push_back(Vector::flat(type, kBatchRows));
    }
    while (row_ < input_.size && output_size_ < kBatchRows) {
      if (!row_open_) RETURN_IF_ERROR(open_row());
      RETURN_IF_ERROR(add_rows());
      if (!row_open_) ++row_;
    }
    if (output_size_ == kBatchRows) break;
  }
  batch = take_output();
  return true;
}

}  // namespace eventd::engine
