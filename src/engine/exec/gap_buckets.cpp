#include "engine/exec/gap_buckets.h"

#include <limits>
#include <string>

#include "engine/exec/compiled_expression.h"
#include "engine/functions/datetime_functions.h"
#include "engine/scan/cancel_token.h"
#include "engine/types/interval.h"

namespace eventd::engine {

namespace {

constexpr size_t kCancelCheckTimes = 65'536;

Status bad_argument(std::string_view what) {
  return {sqlstate::kInvalidParameterValue,
          "invalid time_bucket_gapfill argument: " + std::string(what)};
}

bool is_positive(const Datum& width) {
  const auto* span = std::get_if<IntervalValue>(&width.value());
  return span == nullptr ? bucket_number(width) > 0
                         : compare_intervals(*span, IntervalValue{}) > 0;
}

bool is_endless(Oid type, int64_t number) {
  if (type == oid::kDate) {
    return number == std::numeric_limits<int32_t>::min() ||
           number == std::numeric_limits<int32_t>::max();
  }
  return (type == oid::kTimestamp || type == oid::kTimestamptz) && !timestamp_is_finite(number);
}

/// Steps from time to time: on the clock of a zone, or that of UTC.
class BucketStepper {
 public:
  BucketStepper(Oid type, const Datum& width, const TimeZone* zone) : type_(type), zone_(zone) {
    if (const auto* span = std::get_if<IntervalValue>(&width.value())) {
      span_ = *span;
    } else {
      step_ = bucket_number(width);
    }
  }

  Status begin(int64_t start) {
    clock_ = start;
    if (type_ == oid::kDate) {
      ASSIGN_OR_RETURN(clock_, timestamp_from_date(static_cast<int32_t>(start)));
    } else if (zone_ != nullptr) {
      clock_ = local_from_timestamptz(start, *zone_);
    }
    return {};
  }

  /// The time after this one; `end` when there is none that the type can hold.
  int64_t next(int64_t end) {
    if (step_ != 0) return __builtin_add_overflow(clock_, step_, &clock_) ? end : clock_;
    Result<int64_t> moved = add_to_timestamp(clock_, span_);
    if (!moved.ok()) return end;
    clock_ = moved.value();
    if (type_ == oid::kDate) return floor_div(clock_, kMicrosPerDay);
    return zone_ != nullptr ? timestamptz_from_local(clock_, *zone_) : clock_;
  }

 private:
  const Oid type_;
  const TimeZone* const zone_;
  IntervalValue span_;
  int64_t step_ = 0;
  int64_t clock_ = 0;
};

}  // namespace

int64_t bucket_number(const Datum& value) {
  if (const auto* v = std::get_if<int16_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int32_t>(&value.value())) return *v;
  return value.as<int64_t>();
}

Result<GapBuckets> GapBuckets::make(const GapFill& fill, const OperatorContext& context) {
  const EvalContext& eval = *context.eval;
  ASSIGN_OR_RETURN(const Datum width, evaluate_constant(*fill.width, eval));
  if (width.is_null()) return bad_argument("bucket_width cannot be NULL");
  if (!is_positive(width)) return bad_argument("bucket_width must be greater than 0");
  const TimeZone* zone = nullptr;
  if (fill.zone != nullptr) {
    ASSIGN_OR_RETURN(const Datum name, evaluate_constant(*fill.zone, eval));
    if (name.is_null()) return bad_argument("timezone cannot be NULL");
    ASSIGN_OR_RETURN(zone, require_zone(name.bytes()));
  }
  ASSIGN_OR_RETURN(const Datum start, evaluate_constant(*fill.start, eval));
  if (start.is_null()) return bad_argument("start cannot be NULL");
  ASSIGN_OR_RETURN(const Datum finish, evaluate_constant(*fill.finish, eval));
  if (finish.is_null()) return bad_argument("finish cannot be NULL");
  const Oid type = fill.bucket->type.id;
  const int64_t end = bucket_number(finish);
  GapBuckets out;
  out.start = bucket_number(start);
  if (is_endless(type, out.start) || is_endless(type, end)) {
    return bad_argument("start and finish must be finite");
  }
  if (out.start > end) return bad_argument("start must be before finish");
  BucketStepper stepper(type, width, zone);
  RETURN_IF_ERROR(stepper.begin(out.start));
  for (int64_t at = out.start; at < end; at = stepper.next(end)) {
    // A clock set back or forward gives a time twice.
    if (!out.times.empty() && at <= out.times.back()) continue;
    if (out.times.size() == kGapBucketsMax) {
      return bad_argument("more than " + std::to_string(kGapBucketsMax) +
                          " buckets between start and finish");
    }
    if (out.times.size() % kCancelCheckTimes == 0 && context.cancel != nullptr) {
      RETURN_IF_ERROR(context.cancel->check());
    }
    out.times.push_back(at);
  }
  return out;
}

}  // namespace eventd::engine
