#include "engine/storage/event_filter.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "guid.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;
// Room for a microsecond of any timestamptz as nanoseconds.
__extension__ typedef __int128 Wide;

enum class Kind : uint8_t { kTime, kNumber, kGuid, kType, kPath, kPathNumber, kPayload, kOther };

Kind kind_of(const ScanColumn& column) {
  if (column.column < 0 || column.column >= kEventColumns) return Kind::kOther;
  const auto which = static_cast<EventColumn>(column.column);
  if (column.extract == ScanColumn::Extract::kText) {
    return which == EventColumn::kPayload ? Kind::kPath : Kind::kOther;
  }
  if (column.extract == ScanColumn::Extract::kNumber) {
    return which == EventColumn::kPayload ? Kind::kPathNumber : Kind::kOther;
  }
  if (column.extract != ScanColumn::Extract::kNone) return Kind::kOther;
  switch (which) {
    case EventColumn::kTimestamp:
    case EventColumn::kTimestampNs: return Kind::kTime;
    case EventColumn::kOriginClass:
    case EventColumn::kCpuId:
    case EventColumn::kSequence: return Kind::kNumber;
    case EventColumn::kProcessGuid:
    case EventColumn::kEffectiveTokenGuid:
    case EventColumn::kTrueTokenGuid:
    case EventColumn::kBootId: return Kind::kGuid;
    case EventColumn::kEventType: return Kind::kType;
    case EventColumn::kPayload: return Kind::kPayload;
  }
  return Kind::kOther;
}

std::optional<int64_t> integer_of(const Datum& value) {
  if (const auto* v = std::get_if<int16_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int32_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int64_t>(&value.value())) return *v;
  return std::nullopt;
}

bool is_null_test(Op op) { return op == Op::kIsNull || op == Op::kIsNotNull; }

bool is_comparison(const ScanPredicate& predicate) {
  switch (predicate.op) {
    case Op::kEq:
    case Op::kNotEq:
    case Op::kLess:
    case Op::kLessEq:
    case Op::kGreater:
    case Op::kGreaterEq: return predicate.values.size() == 1;
    case Op::kIn: return true;
    default: return false;
  }
}

// Nanoseconds of a timestamptz; may lie outside int64 ('infinity' does).
Wide unix_ns(int64_t timestamptz_us) {
  return (static_cast<Wide>(timestamptz_us) + kPostgresEpochSeconds * 1'000'000) * 1000;
}

int64_t clamp64(Wide value) {
  constexpr Wide kMin = std::numeric_limits<int64_t>::min();
  constexpr Wide kMax = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp(value, kMin, kMax));
}

// One time predicate. [first, last] are the nanoseconds its value stands for: a microsecond for
// `timestamp`, a single one for `timestamp_ns`.
void narrow_time(EventFilter& filter, Op op, Wide first, Wide last) {
  constexpr Wide kMin = std::numeric_limits<int64_t>::min();
  constexpr Wide kMax = std::numeric_limits<int64_t>::max();
  Wide low = kMin, high = kMax;
  switch (op) {
    case Op::kEq: low = first, high = last; break;
    case Op::kLess: high = first - 1; break;
    case Op::kLessEq: high = last; break;
    case Op::kGreater: low = last + 1; break;
    case Op::kGreaterEq: low = first; break;
    default: return;
  }
  if (low > kMax || high < kMin || low > high) {
    filter.never = true;
    return;
  }
  filter.time.first_ns = std::max(filter.time.first_ns, clamp64(low));
  filter.time.last_ns = std::min(filter.time.last_ns, clamp64(high));
}

void add_time(EventFilter& filter, const ScanPredicate& predicate) {
  const auto column = static_cast<EventColumn>(predicate.column.column);
  const bool micros = column == EventColumn::kTimestamp;
  std::vector<int64_t> values;
  for (const Datum& value : predicate.values) values.push_back(*integer_of(value));
  const auto first_of = [&](int64_t v) { return micros ? unix_ns(v) : static_cast<Wide>(v); };
  const Wide width = micros ? 1000 : 1;
  if (predicate.op == Op::kNotEq || predicate.op == Op::kIn) {
    std::sort(values.begin(), values.end());
    if (predicate.op == Op::kIn) {
      if (values.empty()) {
        filter.never = true;
        return;
      }
      narrow_time(filter, Op::kGreaterEq, first_of(values.front()), 0);
      narrow_time(filter, Op::kLessEq, 0, first_of(values.back()) + width - 1);
    }
    filter.numbers.push_back({column, predicate.op, std::move(values)});
    filter.stored_columns |= stored::kTimestamp;
    return;
  }
  const Wide first = first_of(values[0]);
  narrow_time(filter, predicate.op, first, first + width - 1);
}

bool compare(int order, Op op) {
  switch (op) {
    case Op::kEq: return order == 0;
    case Op::kNotEq: return order != 0;
    case Op::kLess: return order < 0;
    case Op::kLessEq: return order <= 0;
    case Op::kGreater: return order > 0;
    case Op::kGreaterEq: return order >= 0;
    default: return false;
  }
}

struct UuidLess {
  bool operator()(const UuidValue& a, const UuidValue& b) const {
    return std::memcmp(a.bytes, b.bytes, sizeof a.bytes) < 0;
  }
};

bool passes(const NumberTest& test, const RawRow& row) {
  int64_t value = 0;
  bool null = false;
  switch (test.column) {
    case EventColumn::kTimestamp: value = timestamptz_from_unix_ns(row.timestamp_ns); break;
    case EventColumn::kTimestampNs: value = row.timestamp_ns; break;
    case EventColumn::kOriginClass:
      value = row.origin_class, null = row.nulls & stored::kOriginClass;
      break;
    case EventColumn::kCpuId: value = row.cpu_id, null = row.nulls & stored::kCpuId; break;
    default: value = row.sequence, null = row.nulls & stored::kSequence; break;
  }
  if (test.op == Op::kIsNull) return null;
  if (null) return false;
  if (test.op == Op::kIsNotNull) return true;
  if (test.op == Op::kIn) return std::binary_search(test.values.begin(), test.values.end(), value);
  return compare(value < test.values[0] ? -1 : value > test.values[0], test.op);
}

bool passes(const GuidTest& test, const RawRow& row) {
  const uint8_t* stored_guid = row.guids[guid_index(test.column)];
  if (test.op == Op::kIsNull) return stored_guid == nullptr;
  if (!stored_guid) return false;
  if (test.op == Op::kIsNotNull) return true;
  UuidValue value;
  guid_to_rfc(stored_guid, value.bytes);
  if (test.op == Op::kIn) {
    return std::binary_search(test.values.begin(), test.values.end(), value, UuidLess{});
  }
  return compare(std::memcmp(value.bytes, test.values[0].bytes, sizeof value.bytes), test.op);
}

}  // namespace

size_t PathSlots::add(const std::vector<std::string>& path) {
  const auto found = std::find(paths_.begin(), paths_.end(), path);
  if (found != paths_.end()) return static_cast<size_t>(found - paths_.begin());
  paths_.push_back(path);
  return paths_.size() - 1;
}

PredicateSupport event_predicate_support(const ScanPredicate& predicate) {
  const auto exact_if = [](bool yes) {
    return yes ? PredicateSupport::kExact : PredicateSupport::kNone;
  };
  const Kind kind = kind_of(predicate.column);
  if (kind == Kind::kOther) return PredicateSupport::kNone;
  if (kind == Kind::kPathNumber) {
    return NumberMatcher::supports(predicate) ? PredicateSupport::kPrune : PredicateSupport::kNone;
  }
  if (is_null_test(predicate.op)) return PredicateSupport::kExact;
  switch (kind) {
    case Kind::kTime:
    case Kind::kNumber:
      return exact_if(is_comparison(predicate) &&
                      std::all_of(predicate.values.begin(), predicate.values.end(),
                                  [](const Datum& v) { return integer_of(v).has_value(); }));
    case Kind::kGuid:
      return exact_if(is_comparison(predicate) &&
                      std::all_of(predicate.values.begin(), predicate.values.end(),
                                  [](const Datum& v) {
                                    return std::holds_alternative<UuidValue>(v.value());
                                  }));
    case Kind::kType:
    case Kind::kPath: return exact_if(TextMatcher::supports(predicate));
    case Kind::kPathNumber:
    case Kind::kPayload:
    case Kind::kOther: return PredicateSupport::kNone;
  }
  return PredicateSupport::kNone;
}

EventFilter compile_event_filter(std::span<const ScanPredicate> predicates, PathSlots& slots) {
  EventFilter filter;
  for (const ScanPredicate& predicate : predicates) {
    const Kind kind = kind_of(predicate.column);
    const auto column = static_cast<EventColumn>(predicate.column.column);
    const bool null_test = is_null_test(predicate.op);
    const bool never_null = kind == Kind::kTime || kind == Kind::kType ||
                            (kind == Kind::kGuid && column == EventColumn::kBootId);
    if (null_test && never_null) {
      filter.never |= predicate.op == Op::kIsNull;
      continue;
    }
    switch (kind) {
      case Kind::kTime: add_time(filter, predicate); continue;
      case Kind::kNumber: {
        std::vector<int64_t> values;
        for (const Datum& value : predicate.values) values.push_back(*integer_of(value));
        std::sort(values.begin(), values.end());
        filter.numbers.push_back({column, predicate.op, std::move(values)});
        break;
      }
      case Kind::kGuid: {
        std::vector<UuidValue> values;
        for (const Datum& value : predicate.values) values.push_back(value.as<UuidValue>());
        std::sort(values.begin(), values.end(), UuidLess{});
        filter.guids.push_back({column, predicate.op, std::move(values)});
        break;
      }
      case Kind::kType: filter.type_tests.emplace_back(predicate); break;
      case Kind::kPath: {
        PathTest test{slots.add(predicate.column.path), predicate.op, {}, {}};
        if (!null_test) test.matcher.emplace_back(predicate);
        filter.paths.push_back(std::move(test));
        break;
      }
      case Kind::kPathNumber: {
        PathTest test{slots.add(predicate.column.path), predicate.op, {}, {}};
        test.number.emplace_back(predicate);
        filter.paths.push_back(std::move(test));
        break;
      }
      case Kind::kPayload:
        filter.payload_null_tests.push_back(predicate.op == Op::kIsNull);
        break;
      case Kind::kOther: continue;
    }
    filter.stored_columns |= stored_column(column);
  }
  filter.never |= filter.time.empty();
  return filter;
}

bool passes_stored_tests(const EventFilter& filter, const RawRow& row) {
  for (const NumberTest& test : filter.numbers) {
    if (!passes(test, row)) return false;
  }
  for (const GuidTest& test : filter.guids) {
    if (!passes(test, row)) return false;
  }
  for (const bool is_null : filter.payload_null_tests) {
    if (((row.nulls & stored::kPayload) != 0) != is_null) return false;
  }
  return true;
}

}  // namespace eventd::engine
