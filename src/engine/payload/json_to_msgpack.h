// JSON text → one msgpack value: the input function of jsonb and of events.payload.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/payload/msgpack_reader.h"
#include "result.h"

namespace eventd::engine {

struct JsonLimits {
  /// Arrays and objects inside each other; more is 54001. At most kMsgpackNestingMax.
  int max_nesting = kMsgpackNestingMax;
  /// Bytes of msgpack one value may take; more is 54000.
  size_t max_bytes = (size_t{1} << 28) - 1;
};

/// Appends the value; on error `out` is as before. Integers become int64/uint64; other numbers
/// float64 if that reproduces the text's value and scale, else ext 1 with the decimal text; key order
/// and duplicates are kept. 22P02 malformed, 22P05 \u0000, 22021 invalid UTF-8, 22003 a number
/// beyond numeric, 54000/54001 limits.
Status append_msgpack_from_json(std::string_view json, const JsonLimits& limits, std::string& out);
/// Checks only (type json). Same errors, except \u0000, which json allows.
Status check_json(std::string_view json, const JsonLimits& limits);

}  // namespace eventd::engine
