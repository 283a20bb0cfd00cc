// The fields of one payload: every path to a value in its maps.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "engine/catalog/field_type.h"

namespace eventd::engine {

/// Deepest map looked into, and the longest path that is told of (longer ones are left out).
inline constexpr size_t kFieldDepthMax = 8;
inline constexpr size_t kFieldPathBytesMax = 255;

/// Takes what for_each_payload_field() finds.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  /// `path` as field_path_text() has it, borrowed until the call returns.
  virtual void visit(std::string_view path, FieldType type) = 0;
};

/// Visits the fields of a payload that is a map, in the order they are written; maps before what is
/// in them. Elements of arrays are no fields. Malformed bytes end it early. `path_buffer` is scratch.
void for_each_payload_field(ByteSpan payload, std::string& path_buffer, FieldVisitor& visitor);

/// A path as EQL writes it: a.b, pieces with odd characters in back-quotes.
std::string field_path_text(std::span<const std::string> path);
/// The reverse.
std::vector<std::string> field_path_pieces(std::string_view text);

}  // namespace eventd::engine
