// What a jsonpath works on: a JSON value, or a date or time made by .datetime().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "engine/functions/eval_context.h"
#include "engine/types/numeric.h"
#include "engine/vector/datum.h"
#include "result.h"

namespace eventd::engine {

enum class PathItemKind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject, kDatetime };

/// A value type; shares the bytes it had to make.
struct PathItem {
  ByteSpan value;                            ///< msgpack; empty for a datetime
  std::shared_ptr<const std::string> owner;  ///< of `value`, unless that lies in the target
  std::shared_ptr<const Datum> datetime;
  int32_t zone_seconds_east = 0;             ///< the zone a timestamptz was written with

  PathItemKind kind() const;
  bool is_container() const { return kind() == PathItemKind::kArray || kind() == PathItemKind::kObject; }
  bool boolean() const;        ///< REQUIRES: kBool
  Numeric number() const;      ///< REQUIRES: kNumber
  std::string text() const;    ///< REQUIRES: kString
  /// A datetime becomes its ISO 8601 string.
  Status append_msgpack(const FormatOptions& format, std::string& out) const;

  static PathItem null();
  static PathItem of_bool(bool v);
  static PathItem of_text(std::string_view v);
  static Result<PathItem> of_number(const Numeric& v);
};
using PathItems = std::vector<PathItem>;

/// .type()'s answer.
std::string_view path_type_name(const PathItem& item);
/// .datetime() without a template: the ISO 8601 forms. 22031.
Result<PathItem> parse_path_datetime(const EvalContext& context, std::string_view text);
/// <0, 0, >0; kIncomparable for kinds that have no common order. 0A000 when a time zone is needed
/// and `use_zone` is false.
inline constexpr int kIncomparable = 2;
Result<int> compare_path_datetimes(const EvalContext& context, const Datum& a, const Datum& b, bool use_zone);

}  // namespace eventd::engine
