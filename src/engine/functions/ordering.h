// The order of each type as one inline function, shared by the comparison operators, min/max,
// sorting and grouping.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "bytes.h"
#include "engine/payload/jsonb_text.h"
#include "engine/types/interval.h"
#include "engine/types/numeric.h"
#include "engine/vector/vector.h"

namespace eventd::engine {

/// bool, int2/4/8, date, time, timestamp(tz).
template <class T>
struct PlainOrder {
  using Value = T;
  static bool equal(T a, T b) { return a == b; }
  static bool less(T a, T b) { return a < b; }
};

/// oid and reg* lie as the bits of an unsigned number.
struct OidOrder {
  using Value = int32_t;
  static bool equal(int32_t a, int32_t b) { return a == b; }
  static bool less(int32_t a, int32_t b) {
    return static_cast<uint32_t>(a) < static_cast<uint32_t>(b);
  }
};

/// NaN equals NaN and is above everything; -0 equals 0.
template <class T>
struct FloatOrder {
  using Value = T;
  static bool equal(T a, T b) { return a == b || (std::isnan(a) && std::isnan(b)); }
  static bool less(T a, T b) { return std::isnan(b) ? !std::isnan(a) : a < b; }
};

/// text, varchar, name, bytea, json: bytes, as C collation.
struct BytesOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return a.size == b.size && (a.size == 0 || std::memcmp(a.data, b.data, a.size) == 0);
  }
  static bool less(const StringRef& a, const StringRef& b) { return a.view() < b.view(); }
};

inline std::string_view without_trailing_spaces(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// char(n): trailing spaces do not count.
struct BpcharOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return without_trailing_spaces(a.view()) == without_trailing_spaces(b.view());
  }
  static bool less(const StringRef& a, const StringRef& b) {
    return without_trailing_spaces(a.view()) < without_trailing_spaces(b.view());
  }
};

struct UuidOrder {
  using Value = UuidValue;
  static bool equal(const UuidValue& a, const UuidValue& b) {
    return std::memcmp(a.bytes, b.bytes, 16) == 0;
  }
  static bool less(const UuidValue& a, const UuidValue& b) {
    return std::memcmp(a.bytes, b.bytes, 16) < 0;
  }
};

struct NumericOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return BytesOrder::equal(a, b) || compare_numeric_text(a.view(), b.view()) == 0;
  }
  static bool less(const StringRef& a, const StringRef& b) {
    return compare_numeric_text(a.view(), b.view()) < 0;
  }
};

struct IntervalOrder {
  using Value = IntervalValue;
  static bool equal(const IntervalValue& a, const IntervalValue& b) {
    return compare_intervals(a, b) == 0;
  }
  static bool less(const IntervalValue& a, const IntervalValue& b) {
    return compare_intervals(a, b) < 0;
  }
};

/// By the UTC instant, then by the zone.
struct TimetzOrder {
  using Value = TimetzValue;
  static int64_t utc(const TimetzValue& v) {
    return v.microseconds + int64_t{v.zone_seconds_west} * 1'000'000;
  }
  static bool equal(const TimetzValue& a, const TimetzValue& b) { return a == b; }
  static bool less(const TimetzValue& a, const TimetzValue& b) {
    const int64_t left = utc(a), right = utc(b);
    return left != right ? left < right : a.zone_seconds_west < b.zone_seconds_west;
  }
};

struct JsonbOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return BytesOrder::equal(a, b) || compare_jsonb(as_bytes(a.view()), as_bytes(b.view())) == 0;
  }
  static bool less(const StringRef& a, const StringRef& b) {
    return compare_jsonb(as_bytes(a.view()), as_bytes(b.view())) < 0;
  }
};

/// inet and cidr in PostgreSQL's binary form: family, bits, is_cidr, length, address.
std::strong_ordering compare_inet(std::string_view a, std::string_view b);

struct InetOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return compare_inet(a.view(), b.view()) == 0;
  }
  static bool less(const StringRef& a, const StringRef& b) {
    return compare_inet(a.view(), b.view()) < 0;
  }
};

/// Arrays in binary form: elements by their order, then count, dimensions and lower bounds.
std::strong_ordering compare_arrays(std::string_view a, std::string_view b);
uint64_t hash_array(std::string_view array);

struct ArrayOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return BytesOrder::equal(a, b) || compare_arrays(a.view(), b.view()) == 0;
  }
  static bool less(const StringRef& a, const StringRef& b) {
    return compare_arrays(a.view(), b.view()) < 0;
  }
};

/// Records in binary form: field by field, NULLs last, then by the number of fields
/// (record_cmp()). Fields of different types, which PostgreSQL refuses to compare, order by type.
std::strong_ordering compare_records(std::string_view a, std::string_view b);
uint64_t hash_record(std::string_view record);

struct RecordOrder {
  using Value = StringRef;
  static bool equal(const StringRef& a, const StringRef& b) {
    return BytesOrder::equal(a, b) || compare_records(a.view(), b.view()) == 0;
  }
  static bool less(const StringRef& a, const StringRef& b) {
    return compare_records(a.view(), b.view()) < 0;
  }
};

/// Calls f with the order of `type` (an object of one of the structs above).
template <class F>
decltype(auto) dispatch_order(Oid type, F&& f) {
  switch (type) {
    case oid::kNumeric: return f(NumericOrder{});
    case oid::kBpchar: return f(BpcharOrder{});
    case oid::kJsonb: return f(JsonbOrder{});
    case oid::kInet:
    case oid::kCidr: return f(InetOrder{});
    case oid::kRecord: return f(RecordOrder{});
    default: break;
  }
  const TypeInfo& info = type_info(type);
  switch (info.physical) {
    case Physical::kBool: return f(PlainOrder<uint8_t>{});
    case Physical::kInt16: return f(PlainOrder<int16_t>{});
    case Physical::kInt32:
      if (type == oid::kInt4 || type == oid::kDate) return f(PlainOrder<int32_t>{});
      return f(OidOrder{});  // oid, reg*, xid
    case Physical::kInt64: return f(PlainOrder<int64_t>{});
    case Physical::kFloat32: return f(FloatOrder<float>{});
    case Physical::kFloat64: return f(FloatOrder<double>{});
    case Physical::kUuid: return f(UuidOrder{});
    case Physical::kInterval: return f(IntervalOrder{});
    case Physical::kTimetz: return f(TimetzOrder{});
    case Physical::kBytes: break;
  }
  if (info.element != 0 && info.length == -1) return f(ArrayOrder{});
  return f(BytesOrder{});
}

}  // namespace eventd::engine
