#include "engine/plan/window_frame.h"

#include <span>

#include "engine/plan/coercion.h"

namespace eventd::engine {
namespace {

// pg_amproc: the in_range functions of the btree families, by the key's type.
std::span<const Oid> offset_types(Oid key) {
  static constexpr Oid kInteger[] = {oid::kInt8, oid::kInt4, oid::kInt2};
  static constexpr Oid kBigint[] = {oid::kInt8};
  static constexpr Oid kFloat[] = {oid::kFloat8};
  static constexpr Oid kNumeric[] = {oid::kNumeric};
  static constexpr Oid kInterval[] = {oid::kInterval};
  switch (key) {
    case oid::kInt2:
    case oid::kInt4: return kInteger;
    case oid::kInt8: return kBigint;
    case oid::kFloat4:
    case oid::kFloat8: return kFloat;
    case oid::kNumeric: return kNumeric;
    case oid::kDate:
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kInterval: return kInterval;
    default: return {};
  }
}

}  // namespace

Result<Oid> range_offset_type(Oid key, Oid offset, int position) {
  const std::span<const Oid> types = offset_types(key);
  const std::string column = format_type({key, -1});
  if (types.empty()) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      "RANGE with offset PRECEDING/FOLLOWING is not supported for column type " +
                          column,
                      position);
  }
  const Oid preferred = offset == oid::kUnknown ? key : offset;
  Oid selected = 0;
  int matches = 0;
  for (const Oid type : types) {
    if (!can_coerce(offset, type, CastContext::kImplicit)) continue;
    selected = type;
    if (type == preferred) return type;
    ++matches;
  }
  if (matches == 1) return selected;
  Error error = bind_error(
      sqlstate::kFeatureNotSupported,
      "RANGE with offset PRECEDING/FOLLOWING " +
          std::string(matches == 0 ? "is not supported" : "has multiple interpretations") +
          " for column type " + column + " and offset type " + format_type({offset, -1}),
      position);
  error.hint = matches == 0 ? "Cast the offset value to an appropriate type."
                            : "Cast the offset value to the exact intended type.";
  return error;
}

}  // namespace eventd::engine
