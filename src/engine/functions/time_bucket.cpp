// time_bucket(): fixed widths and months, with origin, offset and time zone; whole numbers.
// Source: TimescaleDB's documentation of time_bucket().
#include <concepts>
#include <limits>

#include "engine/functions/datetime_functions.h"
#include "engine/functions/time_bucket.h"
#include "engine/types/interval.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status bucket_in_range(int64_t us) {
  return !timestamp_is_finite(us) || timestamp_in_range(us) ? Status() : fault::kTimestampRange.status();
}

// TimescaleDB's default origins: a Monday for fixed widths, the first of a month for months.
constexpr int64_t kBucketOrigin = 2 * kMicrosPerDay;  // 2000-01-03

Status bucket_months(int32_t months, int64_t us, int64_t origin, int64_t& out) {
  const CivilDate date = civil_from_days(floor_div(us, kMicrosPerDay));
  const CivilDate from = civil_from_days(floor_div(origin, kMicrosPerDay));
  const int64_t since = (int64_t{date.year} - from.year) * 12 + (date.month - from.month);
  const int64_t month = int64_t{from.year} * 12 + (from.month - 1) + floor_div(since, months) * months;
  out = days_from_civil(floor_div(month, 12), static_cast<int32_t>(floor_mod(month, 12)) + 1, 1) * kMicrosPerDay;
  return bucket_in_range(out);
}

// On local (or UTC) time; `origin` null = the default one.
Status bucket(const IntervalValue& width, int64_t us, const int64_t* origin, int64_t& out) {
  out = us;
  if (!timestamp_is_finite(us)) return Status();
  if (width.months != 0) {
    if (width.days != 0 || width.microseconds != 0)
      return Status(sqlstate::kFeatureNotSupported, "month intervals cannot have day or time component");
    if (width.months < 0) return Status(sqlstate::kInvalidParameterValue, "period must be greater than 0");
    return bucket_months(width.months, us, origin != nullptr ? *origin : 0, out);
  }
  if (width.days < 0 || width.microseconds < 0 || (width.days == 0 && width.microseconds == 0))
    return Status(sqlstate::kInvalidParameterValue, "period must be greater than 0");
  return bin_timestamp(width, us, origin != nullptr ? *origin : kBucketOrigin, out);
}

void add_bucket(Builder& builder, std::vector<Oid> arguments, Oid result, Volatility volatility, Kernel kernel) {
  ScalarFunction function;
  function.name = "time_bucket";
  function.arguments = std::move(arguments);
  function.result = result;
  function.volatility = volatility;
  function.kernel = kernel;
  builder.add_function(std::move(function));
}

/// The bucket on the zone's clock; `origin` and `offset` are instants and spans of it.
Status bucket_in_zone(const IntervalValue& width, int64_t us, const TimeZone& zone, const int64_t* origin,
                      const IntervalValue& offset, int64_t& out) {
  out = us;
  if (!timestamp_is_finite(us)) return Status();
  ASSIGN_OR_RETURN(const IntervalValue back, negate_interval(offset));
  ASSIGN_OR_RETURN(const int64_t local, add_to_timestamp(local_from_timestamptz(us, zone), back));
  const int64_t local_origin = origin != nullptr ? local_from_timestamptz(*origin, zone) : 0;
  int64_t start = 0;
  RETURN_IF_ERROR(bucket(width, local, origin != nullptr ? &local_origin : nullptr, start));
  ASSIGN_OR_RETURN(start, add_to_timestamp(start, offset));
  out = timestamptz_from_local(start, zone);
  return bucket_in_range(out);
}

/// (width, time, zone [, origin [, offset]]); a NULL origin or offset is none.
Status zoned_rows(const CallFrame& frame, Vector& result) {
  const auto& a = frame.arguments;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (a[0].is_null(row) || a[1].is_null(row) || a[2].is_null(row)) {
      out.set_null(row);
      return Status();
    }
    ASSIGN_OR_RETURN(const TimeZone* zone, require_zone(a[2].view<StringRef>()[row].view()));
    int64_t origin = 0;
    const bool has_origin = a.size() > 3 && !a[3].is_null(row);
    if (has_origin) origin = a[3].view<int64_t>()[row];
    IntervalValue offset;
    if (a.size() > 4 && !a[4].is_null(row)) offset = a[4].view<IntervalValue>()[row];
    return bucket_in_zone(a[0].view<IntervalValue>()[row], a[1].view<int64_t>()[row], *zone, has_origin ? &origin : nullptr, offset,
                          out.data<int64_t>()[row]);
  });
}

Status date_bucket(const IntervalValue& width, int32_t date, const int64_t* origin, int32_t& out) {
  ASSIGN_OR_RETURN(const int64_t us, timestamp_from_date(date));
  out = date;
  if (!timestamp_is_finite(us)) return Status();
  int64_t start = 0;
  RETURN_IF_ERROR(bucket(width, us, origin, start));
  out = static_cast<int32_t>(floor_div(start, kMicrosPerDay));
  return Status();
}

template <std::signed_integral T>
Status number_bucket(T width, T value, T offset, T& out) {
  if (width <= 0) return Status(sqlstate::kInvalidParameterValue, "period must be greater than 0");
  offset = static_cast<T>(offset % width);
  int64_t shifted = 0, start = 0;
  if (__builtin_sub_overflow(int64_t{value}, int64_t{offset}, &shifted) ||
      __builtin_mul_overflow(floor_div(shifted, width), int64_t{width}, &start) ||
      __builtin_add_overflow(start, int64_t{offset}, &start) || start < std::numeric_limits<T>::min())
    return Status(sqlstate::kNumericValueOutOfRange, "timestamp out of range");
  out = static_cast<T>(start);
  return Status();
}

template <std::signed_integral T>
void add_number_buckets(Builder& builder, Oid type) {
  add_bucket(builder, {type, type}, type, Volatility::kImmutable,
             row_kernel<T, T, T>([](T width, T value, T& out) { return number_bucket<T>(width, value, 0, out); }));
  add_bucket(builder, {type, type, type}, type, Volatility::kImmutable,
             row_kernel<T, T, T, T>([](T width, T value, T offset, T& out) { return number_bucket<T>(width, value, offset, out); }));
}

void add_zoned_bucket(Builder& builder, std::vector<Oid> arguments) {
  ScalarFunction function;
  function.name = "time_bucket";
  function.arguments = std::move(arguments);
  function.result = oid::kTimestamptz;
  function.strict = false;
  function.kernel = zoned_rows;
  builder.add_function(std::move(function));
}

}  // namespace

void register_time_bucket(Builder& builder) {
  using I = IntervalValue;
  for (const Oid type : {oid::kTimestamptz, oid::kTimestamp}) {
    add_bucket(builder, {oid::kInterval, type}, type, Volatility::kImmutable,
               row_kernel<int64_t, I, int64_t>([](const I& w, int64_t t, int64_t& o) { return bucket(w, t, nullptr, o); }));
    add_bucket(builder, {oid::kInterval, type, type}, type, Volatility::kImmutable,
               row_kernel<int64_t, I, int64_t, int64_t>([](const I& w, int64_t t, int64_t origin, int64_t& o) { return bucket(w, t, &origin, o); }));
    add_bucket(builder, {oid::kInterval, type, oid::kInterval}, type, Volatility::kImmutable,
               row_kernel<int64_t, I, int64_t, I>([](const I& w, int64_t t, const I& offset, int64_t& o) -> Status {
                 ASSIGN_OR_RETURN(const I negative, negate_interval(offset));
                 ASSIGN_OR_RETURN(const int64_t shifted, add_to_timestamp(t, negative));
                 int64_t start = 0;
                 RETURN_IF_ERROR(bucket(w, shifted, nullptr, start));
                 ASSIGN_OR_RETURN(o, add_to_timestamp(start, offset));
                 return Status();
               }));
  }
  add_zoned_bucket(builder, {oid::kInterval, oid::kTimestamptz, oid::kText});
  add_zoned_bucket(builder, {oid::kInterval, oid::kTimestamptz, oid::kText, oid::kTimestamptz});
  add_zoned_bucket(builder, {oid::kInterval, oid::kTimestamptz, oid::kText, oid::kTimestamptz, oid::kInterval});
  add_bucket(builder, {oid::kInterval, oid::kDate}, oid::kDate, Volatility::kImmutable,
             row_kernel<int32_t, I, int32_t>([](const I& w, int32_t d, int32_t& o) { return date_bucket(w, d, nullptr, o); }));
  add_bucket(builder, {oid::kInterval, oid::kDate, oid::kDate}, oid::kDate, Volatility::kImmutable,
             row_kernel<int32_t, I, int32_t, int32_t>([](const I& w, int32_t d, int32_t origin, int32_t& o) -> Status {
               ASSIGN_OR_RETURN(const int64_t us, timestamp_from_date(origin));
               return date_bucket(w, d, &us, o);
             }));
  add_number_buckets<int16_t>(builder, oid::kInt2);
  add_number_buckets<int32_t>(builder, oid::kInt4);
  add_number_buckets<int64_t>(builder, oid::kInt8);
}

}  // namespace eventd::engine
