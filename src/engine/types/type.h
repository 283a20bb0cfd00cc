// SQL types. A type is its PostgreSQL OID, so results need no translation on the wire.
// OIDs, names, categories: PostgreSQL 15, src/include/catalog/pg_type.dat.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eventd::engine {

using Oid = uint32_t;

namespace oid {
inline constexpr Oid kInvalid = 0;
inline constexpr Oid kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21,
                     kInt4 = 23, kRegproc = 24, kText = 25, kOid = 26, kJson = 114, kFloat4 = 700,
                     kFloat8 = 701, kUnknown = 705, kMacaddr = 829, kInet = 869, kCidr = 650,
                     kBpchar = 1042, kVarchar = 1043, kDate = 1082, kTime = 1083,
                     kTimestamp = 1114, kTimestamptz = 1184, kInterval = 1186, kTimetz = 1266,
                     kNumeric = 1700, kRegclass = 2205, kRegtype = 2206, kRecord = 2249,
                     kVoid = 2278, kUuid = 2950, kJsonb = 3802;
// Pseudo-types of function signatures.
inline constexpr Oid kAny = 2276, kAnyArray = 2277, kAnyElement = 2283, kAnyNonArray = 2776;
// Arrays.
inline constexpr Oid kBoolArray = 1000, kByteaArray = 1001, kCharArray = 1002, kNameArray = 1003,
                     kInt2Array = 1005, kInt4Array = 1007, kTextArray = 1009, kBpcharArray = 1014,
                     kVarcharArray = 1015, kInt8Array = 1016, kFloat4Array = 1021,
                     kFloat8Array = 1022, kOidArray = 1028, kTimestampArray = 1115,
                     kDateArray = 1182, kTimeArray = 1183, kTimestamptzArray = 1185,
                     kIntervalArray = 1187, kNumericArray = 1231, kTimetzArray = 1270,
                     kJsonArray = 199, kUuidArray = 2951, kJsonbArray = 3807, kInetArray = 1041;
}  // namespace oid

/// How a value lies in a vector.
enum class Physical : uint8_t {
  kBool,      ///< uint8_t, 0 or 1
  kInt16,     ///< int2
  kInt32,     ///< int4, date (days since 2000-01-01), oid (as uint32 bits)
  kInt64,     ///< int8, time (µs), timestamp and timestamptz (µs since 2000-01-01, as PostgreSQL)
  kFloat32,   ///< float4
  kFloat64,   ///< float8
  kUuid,      ///< 16 bytes in RFC order, ordered by memcmp
  kInterval,  ///< IntervalValue
  kTimetz,    ///< TimetzValue
  /// StringRef: text types and bytea as they are; numeric as its canonical decimal text (scale
  /// kept: "1.50", "NaN", "Infinity", "-Infinity"); json as text; jsonb as one msgpack value
  /// (keys in any order, numbers that float64 does not reproduce as ext 1 decimal text); arrays
  /// in PostgreSQL's binary array format; inet/cidr/macaddr in PostgreSQL's binary format.
  kBytes,
};

/// PostgreSQL's interval: three independent parts.
struct IntervalValue {
  int64_t microseconds = 0;
  int32_t days = 0;
  int32_t months = 0;
  bool operator==(const IntervalValue&) const = default;
};

/// PostgreSQL's timetz: local time and zone, seconds WEST of UTC.
struct TimetzValue {
  int64_t microseconds = 0;
  int32_t zone_seconds_west = 0;
  bool operator==(const TimetzValue&) const = default;
};

/// A type with its modifier (varchar(n): n + 4; numeric(p,s): ((p << 16) | s) + 4; -1 = none).
struct Type {
  Oid id = oid::kUnknown;
  int32_t modifier = -1;
  bool operator==(const Type&) const = default;
};

/// One row of the type table. Static data.
struct TypeInfo {
  Oid id;
  std::string_view name;          ///< pg_type.typname, e.g. "int4", "_text"
  std::string_view display_name;  ///< format_type(), e.g. "integer", "text[]"
  Physical physical;
  int16_t length;                 ///< pg_type.typlen: -1 = variable
  char category;                  ///< pg_type.typcategory: 'N' numeric, 'S' string, …
  bool preferred;                 ///< pg_type.typispreferred
  Oid element;                    ///< element type of an array, else 0
  Oid array;                      ///< its array type, or 0
};

/// The type with this OID, or null when it is none of ours. O(1).
const TypeInfo* find_type(Oid id);
/// REQUIRES: a known type.
const TypeInfo& type_info(Oid id);
/// By typname or by SQL spelling ("integer", "double precision", "timestamp with time zone"), lower
/// case, without schema; null if unknown.
const TypeInfo* find_type_by_name(std::string_view name);
/// format_type(id, modifier): what error messages and \d print, e.g. "character varying(10)".
std::string format_type(const Type& type);

inline Physical physical_of(Oid id) { return type_info(id).physical; }
inline bool is_string_category(Oid id) { return type_info(id).category == 'S'; }

/// Seconds between the Unix epoch and PostgreSQL's (2000-01-01 UTC).
inline constexpr int64_t kPostgresEpochSeconds = 946'684'800;
/// A timestamptz from event nanoseconds: floor(ns / 1000), in PostgreSQL's epoch.
inline int64_t timestamptz_from_unix_ns(int64_t ns) {
  const int64_t us = ns / 1000 - (ns % 1000 < 0 ? 1 : 0);
  return us - kPostgresEpochSeconds * 1'000'000;
}

}  // namespace eventd::engine
