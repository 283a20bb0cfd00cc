// SQL/JSON paths: what a jsonpath text says. Source: PostgreSQL manual, 9.16.2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/functions/regex.h"
#include "engine/types/numeric.h"
#include "result.h"

namespace eventd::engine {

enum class PathKind : uint8_t {
  kNull, kBool, kNumber, kString, kVariable, kRoot, kCurrent, kLast,
  kKey, kAnyKey, kAnyArray, kIndexes, kAnyPath, kFilter,
  kAnd, kOr, kNot, kIsUnknown, kExists, kStartsWith, kLikeRegex,
  kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual,
  kAdd, kSubtract, kMultiply, kDivide, kModulo, kPlus, kMinus,
  kType, kSize, kAbs, kFloor, kCeiling, kDouble, kDatetime, kKeyValue
};

struct PathNode;
using PathNodePtr = std::unique_ptr<PathNode>;

/// One step or operator. `next` is the step applied to what this one finds.
struct PathNode {
  PathKind kind = PathKind::kNull;
  bool boolean = false;
  std::string text;    ///< key, string, variable, pattern of like_regex
  std::string flags;   ///< like_regex's letters, in PostgreSQL's order
  Numeric number;
  uint32_t first = 0, last = 0;  ///< levels of `**`
  PathNodePtr left, right;
  std::vector<std::pair<PathNodePtr, PathNodePtr>> subscripts;  ///< from, to (may be null)
  std::shared_ptr<const Regex> regex;
  PathNodePtr next;
};

/// `last` as a level of `**`.
inline constexpr uint32_t kPathLastLevel = UINT32_MAX;

/// A parsed path. Immutable; shared by threads.
struct JsonPath : CallState {
  bool lax = true;
  PathNodePtr root;
};

/// 42601 with PostgreSQL's messages, 22P02 for an empty text, 2201B for a bad like_regex.
Result<std::shared_ptr<const JsonPath>> parse_json_path(std::string_view text);
/// As jsonpath's output function prints it.
std::string json_path_text(const JsonPath& path);

}  // namespace eventd::engine
