// generate_series over integers, numeric and times; unnest-free: arrays are array_functions.cpp's.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/types/interval.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
using CursorResult = Result<std::unique_ptr<TableFunctionCursor>>;

Status zero_step() {
  return Status(sqlstate::kInvalidParameterValue, "step size cannot equal zero");
}

class EmptyCursor : public TableFunctionCursor {
 public:
  Result<bool> next(Batch&) override { return false; }
};
CursorResult empty_cursor() {
  return CursorResult(std::unique_ptr<TableFunctionCursor>(std::make_unique<EmptyCursor>()));
}

bool any_null(std::span<const Datum> arguments) {
  for (const Datum& argument : arguments) {
    if (argument.is_null()) return true;
  }
  return false;
}

template <class T>
class IntegerSeries : public TableFunctionCursor {
 public:
  IntegerSeries(Oid type, T start, T stop, T step)
      : type_(type), next_(start), stop_(stop), step_(step) {}

  Result<bool> next(Batch& batch) override {
    Vector column = Vector::flat(type_, kBatchRows);
    T* data = column.data<T>();
    uint32_t rows = 0;
    while (rows < kBatchRows && !done_ && (step_ > 0 ? next_ <= stop_ : next_ >= stop_)) {
      data[rows++] = next_;
      done_ = __builtin_add_overflow(next_, step_, &next_);
    }
    if (rows == 0) return false;
    column.set_size(rows);
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  const Oid type_;
  T next_;
  const T stop_, step_;
  bool done_ = false;
};

template <class T>
CursorResult open_integers(const EvalContext&, std::span<const Datum> arguments) {
  if (any_null(arguments)) return empty_cursor();
  const T step = arguments.size() > 2 ? arguments[2].as<T>() : T{1};
  if (step == 0) return zero_step();
  return CursorResult(std::unique_ptr<TableFunctionCursor>(std::make_unique<IntegerSeries<T>>(
      sizeof(T) == 4 ? oid::kInt4 : oid::kInt8, arguments[0].as<T>(), arguments[1].as<T>(), step)));
}

class NumericSeries : public TableFunctionCursor {
 public:
  NumericSeries(Numeric start, Numeric stop, Numeric step)
      : next_(std::move(start)), stop_(std::move(stop)), step_(std::move(step)) {}

  Result<bool> next(Batch& batch) override {
    Vector column = Vector::flat(oid::kNumeric, kBatchRows);
    uint32_t rows = 0;
    while (rows < kBatchRows && (step_.sign() > 0 ? next_ <= stop_ : next_ >= stop_)) {
      column.set_string(rows++, next_.text());
      ASSIGN_OR_RETURN(next_, next_.add(step_));
    }
    if (rows == 0) return false;
    column.set_size(rows);
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  Numeric next_;
  const Numeric stop_, step_;
};

CursorResult open_numeric(const EvalContext&, std::span<const Datum> arguments) {
  if (any_null(arguments)) return empty_cursor();
  const Numeric start = Numeric::from_canonical(arguments[0].bytes());
  const Numeric stop = Numeric::from_canonical(arguments[1].bytes());
  const Numeric step = arguments.size() > 2 ? Numeric::from_canonical(arguments[2].bytes())
                                            : Numeric::from_int64(1);
  const std::pair<const Numeric*, const char*> checked[] = {
      {&start, "start value"}, {&stop, "stop value"}, {&step, "step size"}};
  for (const auto& [value, name] : checked) {
    if (value->is_finite()) continue;
    return {sqlstate::kInvalidParameterValue,
            std::string(name) + (value->is_nan() ? " cannot be NaN" : " cannot be infinity")};
  }
  if (step.is_zero()) return zero_step();
  return CursorResult(
      std::unique_ptr<TableFunctionCursor>(std::make_unique<NumericSeries>(start, stop, step)));
}

/// Times in µs; with a zone the days of the step are local days.
class TimeSeries : public TableFunctionCursor {
 public:
  TimeSeries(Oid type, const TimeZone* zone, int64_t start, int64_t stop, IntervalValue step,
             bool up)
      : type_(type), zone_(zone), next_(start), stop_(stop), step_(step), up_(up) {}

  Result<bool> next(Batch& batch) override {
    Vector column = Vector::flat(type_, kBatchRows);
    int64_t* data = column.data<int64_t>();
    uint32_t rows = 0;
    while (rows < kBatchRows && (up_ ? next_ <= stop_ : next_ >= stop_)) {
      data[rows++] = next_;
      if (next_ == INT64_MAX || next_ == INT64_MIN)
        return {sqlstate::kDatetimeFieldOverflow, "timestamp out of range"};
      if (zone_ != nullptr) {
        ASSIGN_OR_RETURN(next_, add_to_timestamptz(next_, step_, *zone_));
      } else {
        ASSIGN_OR_RETURN(next_, add_to_timestamp(next_, step_));
      }
    }
    if (rows == 0) return false;
    column.set_size(rows);
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  const Oid type_;
  const TimeZone* const zone_;
  int64_t next_;
  const int64_t stop_;
  const IntervalValue step_;
  const bool up_;
};

template <bool kWithZone>
CursorResult open_times(const EvalContext& context, std::span<const Datum> arguments) {
  if (any_null(arguments)) return empty_cursor();
  const IntervalValue step = arguments[2].as<IntervalValue>();
  const auto sign = compare_intervals(step, IntervalValue{});
  if (sign == 0) return zero_step();
  return CursorResult(std::unique_ptr<TableFunctionCursor>(std::make_unique<TimeSeries>(
      kWithZone ? oid::kTimestamptz : oid::kTimestamp,
      kWithZone ? context.format.time_zone : nullptr, arguments[0].as<int64_t>(),
      arguments[1].as<int64_t>(), step, sign > 0)));
}

}  // namespace

void register_series(Builder& builder) {
  const auto add = [&](std::string_view signature, Oid type, auto open) {
    TableFunction function;
    function.columns = {{"generate_series", type}};
    function.open = open;
    builder.builtin_table_function(signature, std::move(function));
  };
  add("generate_series(int4,int4)", oid::kInt4, open_integers<int32_t>);
  add("generate_series(int4,int4,int4)", oid::kInt4, open_integers<int32_t>);
  add("generate_series(int8,int8)", oid::kInt8, open_integers<int64_t>);
  add("generate_series(int8,int8,int8)", oid::kInt8, open_integers<int64_t>);
  add("generate_series(numeric,numeric)", oid::kNumeric, open_numeric);
  add("generate_series(numeric,numeric,numeric)", oid::kNumeric, open_numeric);
  add("generate_series(timestamp,timestamp,interval)", oid::kTimestamp, open_times<false>);
  add("generate_series(timestamptz,timestamptz,interval)", oid::kTimestamptz, open_times<true>);
}

}  // namespace eventd::engine
