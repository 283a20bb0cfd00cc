// RANGE BETWEEN offset PRECEDING AND offset FOLLOWING: which keys are in range, by the rules of
// PostgreSQL's in_range functions (src/backend/utils/adt).
#include <cmath>
#include <limits>

#include "engine/exec/window_frame_bounds.h"
#include "engine/functions/ordering.h"
#include "engine/types/int128.h"
#include "engine/types/interval.h"
#include "engine/types/numeric.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {

namespace {

Status bad_size() {
  return {sqlstate::kInvalidPrecedingOrFollowingSize,
          "invalid preceding or following size in window function"};
}

Int128 integer_of(const Datum& datum) {
  if (const auto* v = std::get_if<int16_t>(&datum.value())) return *v;
  if (const auto* v = std::get_if<int32_t>(&datum.value())) return *v;
  if (const auto* v = std::get_if<int64_t>(&datum.value())) return *v;
  return 0;
}

int sign_of(std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

// Each of these: open() checks the offset; set() takes the current row's key and finds the boundary
// (key - offset or key + offset); compare() tells where another key lies: <0 before the boundary.

template <class T>
struct IntegerRange {
  using Key = T;
  Int128 offset = 0, boundary = 0;
  Status open(const Datum& datum) {
    offset = integer_of(datum);
    return offset < 0 ? bad_size() : Status();
  }
  Status set(const T& key, bool subtract) {
    boundary = subtract ? Int128{key} - offset : Int128{key} + offset;
    return {};
  }
  int compare(const T& key) const { return key < boundary ? -1 : key > boundary ? 1 : 0; }
};

template <class T>
struct FloatRange {
  using Key = T;
  double offset = 0, boundary = 0;
  bool everything = false;  ///< infinity minus infinity: all numbers are in range
  Status open(const Datum& datum) {
    offset = datum.as<double>();
    return std::isnan(offset) || offset < 0 ? bad_size() : Status();
  }
  Status set(const T& key, bool subtract) {
    const double base = static_cast<double>(key);
    everything = std::isinf(offset) && std::isinf(base) && (subtract ? base > 0 : base < 0);
    boundary = subtract ? base - offset : base + offset;
    return {};
  }
  int compare(const T& key) const {
    const double value = static_cast<double>(key);
    if (std::isnan(value)) return everything || !std::isnan(boundary) ? 1 : 0;
    if (everything) return 0;
    if (std::isnan(boundary)) return -1;
    return value < boundary ? -1 : value > boundary ? 1 : 0;
  }
};

struct NumericRange {
  using Key = StringRef;
  Numeric offset, boundary;
  bool everything = false;
  Status open(const Datum& datum) {
    offset = Numeric::from_canonical(datum.bytes());
    return offset.is_nan() || offset.sign() < 0 ? bad_size() : Status();
  }
  Status set(const StringRef& key, bool subtract) {
    const Numeric base = Numeric::from_canonical(key.view());
    everything = offset.is_infinite() && base.is_infinite() &&
                 (subtract ? base.sign() > 0 : base.sign() < 0);
    if (everything) return {};
    ASSIGN_OR_RETURN(boundary, subtract ? base.subtract(offset) : base.add(offset));
    return {};
  }
  int compare(const StringRef& key) const {
    const Numeric value = Numeric::from_canonical(key.view());
    if (everything) return value.is_nan() ? 1 : 0;
    return sign_of(value <=> boundary);
  }
};

Result<IntervalValue> checked_interval(const Datum& datum) {
  const auto& offset = datum.as<IntervalValue>();
  if (compare_intervals(offset, IntervalValue{}) < 0) return bad_size();
  return offset;
}

/// date, timestamp and timestamptz, as µs.
template <class T, Oid kType>
struct TimestampRange {
  using Key = T;
  const TimeZone* zone = nullptr;
  IntervalValue offset, negated;
  int64_t boundary = 0;
  static constexpr int32_t kDaysMax = 106'000'000;
  static int64_t microseconds(T key) {
    if constexpr (kType != oid::kDate) {
      return key;
    } else {
      // The infinite dates are infinite timestamps.
      if (key < -kDaysMax) return std::numeric_limits<int64_t>::min();
      if (key > kDaysMax) return std::numeric_limits<int64_t>::max();
      return int64_t{key} * 86'400'000'000;
    }
  }
  Status open(const Datum& datum) {
    ASSIGN_OR_RETURN(offset, checked_interval(datum));
    ASSIGN_OR_RETURN(negated, negate_interval(offset));
    return {};
  }
  Status set(const T& key, bool subtract) {
    const int64_t base = microseconds(key);
    const IntervalValue& span = subtract ? negated : offset;
    if constexpr (kType == oid::kTimestamptz) {
      ASSIGN_OR_RETURN(boundary, add_to_timestamptz(base, span, *zone));
    } else {
      ASSIGN_OR_RETURN(boundary, add_to_timestamp(base, span));
    }
    return {};
  }
  int compare(const T& key) const {
    const int64_t value = microseconds(key);
    return value < boundary ? -1 : value > boundary ? 1 : 0;
  }
};

struct IntervalRange {
  using Key = IntervalValue;
  IntervalValue offset, boundary;
  Status open(const Datum& datum) {
    ASSIGN_OR_RETURN(offset, checked_interval(datum));
    return {};
  }
  Status set(const IntervalValue& key, bool subtract) {
    ASSIGN_OR_RETURN(boundary, subtract ? subtract_intervals(key, offset) : add_intervals(key, offset));
    return {};
  }
  int compare(const IntervalValue& key) const { return sign_of(compare_intervals(key, boundary)); }
};

/// Times don't wrap round here, and only the interval's time counts.
struct TimeRange {
  using Key = int64_t;
  Int128 offset = 0, boundary = 0;
  Status open(const Datum& datum) {
    offset = datum.as<IntervalValue>().microseconds;
    return offset < 0 ? bad_size() : Status();
  }
  Status set(const int64_t& key, bool subtract) {
    boundary = subtract ? Int128{key} - offset : Int128{key} + offset;
    return {};
  }
  int compare(const int64_t& key) const { return key < boundary ? -1 : key > boundary ? 1 : 0; }
};

struct TimetzRange {
  using Key = TimetzValue;
  Int128 offset = 0, boundary = 0;  // UTC
  int32_t zone = 0;
  static Int128 utc(const TimetzValue& value) {
    return Int128{value.microseconds} + Int128{value.zone_seconds_west} * 1'000'000;
  }
  Status open(const Datum& datum) {
    offset = datum.as<IntervalValue>().microseconds;
    return offset < 0 ? bad_size() : Status();
  }
  Status set(const TimetzValue& key, bool subtract) {
    boundary = subtract ? utc(key) - offset : utc(key) + offset;
    zone = key.zone_seconds_west;
    return {};
  }
  int compare(const TimetzValue& key) const {
    const Int128 value = utc(key);
    if (value != boundary) return value < boundary ? -1 : 1;
    return key.zone_seconds_west < zone ? -1 : key.zone_seconds_west > zone ? 1 : 0;
  }
};

template <class Range>
class RangeWalk {
 public:
  RangeWalk(const WindowBlock& block, const WindowPlan::Order& order, const RangeEnd& which)
      : block_(block), keys_(block.column(order.column)),
        values_(keys_.view<typename Range::Key>()), which_(which), order_(order),
        subtract_(which.preceding != order.descending),
        less_(which.is_start == order.descending) {}

  Range range;

  Status run(const OperatorContext& context, std::vector<uint32_t>& rows) {
    Status status;
    block_.each_partition([&](uint32_t first, uint32_t end) {
      if (!status.ok()) return;
      if (context.cancel != nullptr) status = context.cancel->check();
      if (status.ok()) status = partition(first, end, rows);
    });
    return status;
  }

 private:
  Status partition(uint32_t first, uint32_t end, std::vector<uint32_t>& rows) {
    uint32_t at = first;
    const std::vector<uint32_t>& starts = block_.groups();
    const uint32_t last_group = block_.group_of()[end - 1];
    for (uint32_t g = block_.group_of()[first]; g <= last_group; ++g) {
      const uint32_t current = starts[g];
      const bool current_null = !values_.valid(current);
      if (!current_null) {
        if (!opened_) RETURN_IF_ERROR(range.open(*which_.offset));
        opened_ = true;
        RETURN_IF_ERROR(range.set(values_[current], subtract_));
      }
      while (at < end && goes_on(at, current_null)) ++at;
      std::fill(rows.begin() + current, rows.begin() + starts[g + 1], at);
    }
    return {};
  }

  /// Whether the boundary lies behind row `at`.
  bool goes_on(uint32_t at, bool current_null) const {
    const bool null = !values_.valid(at);
    if (null || current_null) {
      // Which comes first of a NULL and a value is all that is known.
      if (which_.is_start) return order_.nulls_first ? null && !current_null : !null && current_null;
      return order_.nulls_first ? null || !current_null : !null || current_null;
    }
    const int order = range.compare(values_[at]);
    const bool in_range = less_ ? order <= 0 : order >= 0;
    return which_.is_start ? !in_range : in_range;
  }

  const WindowBlock& block_;
  const Vector& keys_;
  const VectorView<typename Range::Key> values_;
  const RangeEnd which_;
  const WindowPlan::Order order_;
  const bool subtract_, less_;
  bool opened_ = false;
};

template <class Range>
Status walk(const WindowBlock& block, const WindowPlan::Order& order, const RangeEnd& which,
            const OperatorContext& context, std::vector<uint32_t>& rows) {
  RangeWalk<Range> walk(block, order, which);
  if constexpr (requires { walk.range.zone = context.eval->format.time_zone; }) {
    walk.range.zone = context.eval->format.time_zone;
  }
  return walk.run(context, rows);
}

}  // namespace

Status find_range_end(const WindowBlock& block, const WindowPlan::Order& order, const RangeEnd& which,
                      const OperatorContext& context, std::vector<uint32_t>& rows) {
  switch (block.column(order.column).type()) {
    case oid::kInt2: return walk<IntegerRange<int16_t>>(block, order, which, context, rows);
    case oid::kInt4: return walk<IntegerRange<int32_t>>(block, order, which, context, rows);
    case oid::kInt8: return walk<IntegerRange<int64_t>>(block, order, which, context, rows);
    case oid::kFloat4: return walk<FloatRange<float>>(block, order, which, context, rows);
    case oid::kFloat8: return walk<FloatRange<double>>(block, order, which, context, rows);
    case oid::kNumeric: return walk<NumericRange>(block, order, which, context, rows);
    case oid::kInterval: return walk<IntervalRange>(block, order, which, context, rows);
    case oid::kTime: return walk<TimeRange>(block, order, which, context, rows);
    case oid::kTimetz: return walk<TimetzRange>(block, order, which, context, rows);
    case oid::kDate:
      return walk<TimestampRange<int32_t, oid::kDate>>(block, order, which, context, rows);
    case oid::kTimestamp:
      return walk<TimestampRange<int64_t, oid::kTimestamp>>(block, order, which, context, rows);
    case oid::kTimestamptz:
      return walk<TimestampRange<int64_t, oid::kTimestamptz>>(block, order, which, context, rows);
    default: break;
  }
  return {sqlstate::kFeatureNotSupported, "RANGE with an offset over a column of this type"};
}

}  // namespace eventd::engine
