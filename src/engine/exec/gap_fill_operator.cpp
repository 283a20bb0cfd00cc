#include "engine/exec/gap_fill_operator.h"

#include <algorithm>

#include "engine/exec/gap_values.h"
#include "engine/exec/window_block.h"

namespace eventd::engine {

namespace {

/// Short series are given out together, this many rows at least.
constexpr size_t kGapBlockRowsMin = size_t{8} * kBatchRows;

}  // namespace

Result<bool> GapFillOperator::produce(Batch& batch) {
  if (!started_) {
    started_ = true;
    ASSIGN_OR_RETURN(buckets_, GapBuckets::make(*plan_->fill, context()));
  }
  while (store_ == nullptr || next_row_ >= times_.size()) {
    RETURN_IF_ERROR(fill());
    if (times_.empty()) return false;
  }
  give(batch);
  return true;
}

Result<bool> GapFillOperator::next_input() {
  if (row_ < input_.size) return true;
  if (child_ == nullptr) return false;
  previous_ = std::move(input_);
  input_ = Batch();
  row_ = 0;
  ASSIGN_OR_RETURN(const bool more, child_->next(input_));
  if (!more) {
    input_ = Batch();
    child_.reset();
    return false;
  }
  RETURN_IF_ERROR(plan_->compute(input_, eval()));
  return true;
}

bool GapFillOperator::starts_series(uint32_t row) const {
  if (row > 0) return !same_values(plan_->keys, input_, row - 1, input_, row);
  return !same_values(plan_->keys, previous_, previous_.size - 1, input_, 0);
}

// Collects a block: whole series, until they are enough rows or the input ends.
Status GapFillOperator::fill() {
  store_ = std::make_unique<RowStore>(plan_->types);
  ASSIGN_OR_RETURN([[maybe_unused]] const uint32_t nulls, store_->append_nulls());
  ids_.clear();
  key_ids_.clear();
  times_.clear();
  columns_.clear();
  outputs_.assign(plan_->calls.size(), {});
  next_row_ = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, next_input());
    if (!more) break;
    if (series_open_ && starts_series(row_)) {
      RETURN_IF_ERROR(finish_series());
      if (times_.size() >= kGapBlockRowsMin) break;
    }
    uint32_t end = row_ + 1;
    while (end < input_.size && !starts_series(end)) ++end;
    RETURN_IF_ERROR(add_rows(end));
  }
  const bool ended = child_ == nullptr && row_ >= input_.size;
  if (ended && (series_open_ || (plan_->keys.empty() && !any_series_))) {
    if (!series_open_) series_calls_.assign(plan_->calls.size(), {});
    RETURN_IF_ERROR(finish_series());
  }
  for (size_t i = 0; i < plan_->types.size(); ++i) columns_.push_back(store_->column(i));
  return {};
}

Status GapFillOperator::add_rows(uint32_t end) {
  if (!series_open_) {
    series_open_ = any_series_ = true;
    first_id_ = store_->size();
    series_times_.clear();
    series_calls_.assign(plan_->calls.size(), {});
  }
  std::vector<uint32_t> rows;
  for (uint32_t row = row_; row < end; ++row) {
    rows.push_back(row);
    const Vector& bucket = input_.columns[plan_->bucket];
    if (bucket.is_null(row)) {
      return {sqlstate::kInvalidParameterValue,
              "invalid time_bucket_gapfill argument: ts cannot be NULL"};
    }
    series_times_.push_back(time_at(bucket, row));
    for (size_t i = 0; i < plan_->calls.size(); ++i) {
      const Vector& values = input_.columns[plan_->child_columns + i];
      series_calls_[i].null.push_back(values.is_null(row));
      if (plan_->calls[i].call->kind == GapCall::Kind::kInterpolate) {
        series_calls_[i].numbers.push_back(number_at(values, row));
      }
    }
  }
  RETURN_IF_ERROR(store_->append(input_.columns, rows.data(), static_cast<uint32_t>(rows.size())));
  row_ = end;
  return account();
}

Status GapFillOperator::finish_series() {
  const size_t first_output = times_.size();
  merge_times();
  series_open_ = false;
  any_series_ = true;
  RETURN_IF_ERROR(account());
  for (size_t i = 0; i < plan_->calls.size(); ++i) {
    const bool locf = plan_->calls[i].call->kind == GapCall::Kind::kLocf;
    RETURN_IF_ERROR(locf ? carry(i, first_output) : interpolate(i, first_output));
  }
  series_times_.clear();
  return account();
}

// The series' rows and the times without one, in the order of time. Rows outside the range stay.
void GapFillOperator::merge_times() {
  const std::vector<int64_t>& wanted = buckets_.times;
  const uint32_t key_id = series_times_.empty() ? 0 : first_id_;
  size_t at = 0;
  const auto add = [&](uint32_t id, int64_t time) {
    ids_.push_back(id);
    key_ids_.push_back(key_id);
    times_.push_back(time);
  };
  for (size_t i = 0; i < series_times_.size(); ++i) {
    const int64_t time = series_times_[i];
    for (; at < wanted.size() && wanted[at] < time; ++at) add(0, wanted[at]);
    if (at < wanted.size() && wanted[at] == time) ++at;
    add(first_id_ + static_cast<uint32_t>(i), time);
  }
  for (; at < wanted.size(); ++at) add(0, wanted[at]);
}

Result<Vector> GapFillOperator::evaluate_outside(const CompiledExpression& expression) {
  const uint32_t key_id = series_times_.empty() ? 0 : first_id_;
  Batch row;
  row.size = 1;
  for (size_t i = 0; i < plan_->child_columns; ++i) {
    row.columns.push_back(Vector::repeat(store_->column(i), plan_->is_key[i] ? key_id : 0, 1));
  }
  return expression.evaluate(row, eval());
}

// locf(): what the row before had; the value from outside only for the first time of the range.
Status GapFillOperator::carry(size_t call, size_t first_output) {
  const GapFillPlan::Call& compiled = plan_->calls[call];
  const std::vector<uint8_t>& null = series_calls_[call].null;
  std::vector<uint32_t>& out = outputs_[call].ids;
  uint32_t carried = 0;
  bool carried_null = true;
  for (size_t i = first_output; i < times_.size(); ++i) {
    const uint32_t id = ids_[i];
    const bool is_null = id == 0 || null[id - first_id_] != 0;
    if (id != 0 && (!is_null || !compiled.call->skip_nulls)) {
      carried = id;
      carried_null = is_null;
      out.push_back(id);
      continue;
    }
    if (carried_null && times_[i] == buckets_.start && compiled.before != nullptr) {
      ASSIGN_OR_RETURN(const Vector value, evaluate_outside(*compiled.before));
      std::vector<Vector> row;
      for (const Oid type : plan_->types) row.push_back(Vector::null_constant(type, 1));
      carried_null = value.is_null(0);
      row[plan_->child_columns + call] = value;
      carried = store_->size();
      RETURN_IF_ERROR(store_->append(row, 1));
    }
    out.push_back(carried);
  }
  return {};
}

// interpolate(): on the line between the rows on either side, when neither is NULL.
Status GapFillOperator::interpolate(size_t call, size_t first_output) {
  const GapFillPlan::Call& compiled = plan_->calls[call];
  const Oid type = compiled.call->type.id;
  const std::vector<Number>& numbers = series_calls_[call].numbers;
  std::vector<Number>& out = outputs_[call].numbers;
  Point before, after;
  size_t next = 0;  // row of the series
  bool after_known = false;
  for (size_t i = first_output; i < times_.size(); ++i) {
    if (ids_[i] != 0) {
      next = ids_[i] - first_id_ + 1;
      before = {times_[i], numbers[next - 1]};
      out.push_back(numbers[next - 1]);
      continue;
    }
    if (before.value.null && times_[i] == buckets_.start && compiled.before != nullptr) {
      ASSIGN_OR_RETURN(before, point_outside(*compiled.before, type));
    }
    if (next < series_times_.size()) {
      after = {series_times_[next], numbers[next]};
    } else if (!after_known) {
      after_known = true;
      after = Point();
      if (compiled.after != nullptr) {
        ASSIGN_OR_RETURN(after, point_outside(*compiled.after, type));
      }
    }
    Number value;
    value.null = before.value.null || after.value.null || before.time == after.time;
    if (!value.null) {
      const GapLine line{times_[i], before.time, after.time};
      value.whole = line.between(before.value.whole, after.value.whole);
      value.real = line.between(before.value.real, after.value.real);
    }
    out.push_back(value);
  }
  return {};
}

Result<GapFillOperator::Point> GapFillOperator::point_outside(const CompiledExpression& expression,
                                                              Oid type) {
  Point point;
  ASSIGN_OR_RETURN(const Vector value, evaluate_outside(expression));
  if (value.is_null(0)) return point;
  ASSIGN_OR_RETURN(const OutsidePoint fields,
                   read_outside_point(value.datum(0), plan_->fill->bucket->type, {type, -1}));
  if (fields.time.is_null() || fields.value.is_null()) return point;
  point.time = bucket_number(fields.time);
  point.value = number_at(Vector::constant(fields.value, 1), 0);
  return point;
}

GapFillOperator::Number GapFillOperator::number_at(const Vector& values, uint32_t row) const {
  Number number;
  if (values.is_null(row)) return number;
  number.null = false;
  switch (physical_of(values.type())) {
    case Physical::kFloat32: number.real = static_cast<double>(values.view<float>()[row]); break;
    case Physical::kFloat64: number.real = values.view<double>()[row]; break;
    default: number.whole = time_at(values, row); break;
  }
  return number;
}

Status GapFillOperator::account() {
  size_t bytes = store_->memory_bytes() + buckets_.times.capacity() * sizeof(int64_t) +
                 times_.capacity() * (sizeof(int64_t) + 2 * sizeof(uint32_t)) +
                 series_times_.capacity() * sizeof(int64_t);
  for (const CallRows& call : series_calls_) {
    bytes += call.null.capacity() + call.numbers.capacity() * sizeof(Number);
  }
  for (const CallOutput& output : outputs_) {
    bytes += output.ids.capacity() * sizeof(uint32_t) + output.numbers.capacity() * sizeof(Number);
  }
  RETURN_IF_ERROR(grant_.ensure(bytes));
  if (stats() != nullptr) stats()->memory_bytes.store(grant_.peak_bytes());
  return {};
}

Vector GapFillOperator::number_column(const CallOutput& output, Oid type, uint32_t first,
                                      uint32_t count) const {
  Vector column = Vector::flat(type, count);
  for (uint32_t i = 0; i < count; ++i) {
    const Number& number = output.numbers[first + i];
    switch (physical_of(type)) {
      case Physical::kFloat32: column.data<float>()[i] = static_cast<float>(number.real); break;
      case Physical::kFloat64: column.data<double>()[i] = number.real; break;
      default: set_whole(column, i, number.whole); break;
    }
    if (number.null) column.set_null(i);
  }
  return column;
}

void GapFillOperator::give(Batch& batch) {
  const auto first = static_cast<uint32_t>(next_row_);
  const auto count =
      static_cast<uint32_t>(std::min<size_t>(kBatchRows, times_.size() - next_row_));
  const auto ids_of = [&](const std::vector<uint32_t>& ids) {
    std::shared_ptr<uint32_t[]> copy(new uint32_t[count]);
    std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(first), count, copy.get());
    return std::shared_ptr<const uint32_t[]>(std::move(copy));
  };
  const auto rows = ids_of(ids_), keys = ids_of(key_ids_);
  batch.columns.clear();
  batch.size = count;
  for (size_t i = 0; i < plan_->child_columns; ++i) {
    if (i == plan_->bucket) {
      Vector bucket = Vector::flat(plan_->types[i], count);
      for (uint32_t r = 0; r < count; ++r) set_whole(bucket, r, times_[first + r]);
      batch.columns.push_back(std::move(bucket));
    } else {
      batch.columns.push_back(Vector::dictionary(columns_[i], plan_->is_key[i] ? keys : rows, count));
    }
  }
  for (size_t i = 0; i < plan_->calls.size(); ++i) {
    const GapCall& call = *plan_->calls[i].call;
    batch.columns.push_back(
        call.kind == GapCall::Kind::kLocf
            ? Vector::dictionary(columns_[plan_->child_columns + i], ids_of(outputs_[i].ids), count)
            : number_column(outputs_[i], call.type.id, first, count));
  }
  next_row_ += count;
}

}  // namespace eventd::engine
