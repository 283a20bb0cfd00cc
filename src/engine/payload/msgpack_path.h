// Extraction of one path out of a msgpack value by a streaming scan: the canonical meaning of
// `payload #>> '{a,b}'`, `payload->>'a'` and EQL's `a.b`.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "bytes.h"

namespace eventd::engine {

/// The value at `path`: map keys by exact bytes (the LAST of duplicate keys, as jsonb), array
/// elements by decimal index, negative from the end. nullopt if absent. An empty path is the value.
/// Never reads outside `value`; garbage gives nullopt or some value inside it.
std::optional<ByteSpan> find_path(ByteSpan value, std::span<const std::string> path);
/// One step by key / by index; nullopt if absent or not a map / array.
std::optional<ByteSpan> find_key(ByteSpan value, std::string_view key);
std::optional<ByteSpan> find_index(ByteSpan value, int64_t index);

/// #>> : appends the text of the value at `path` (strings raw, others as canonical jsonb text).
/// False = SQL NULL (absent, or nil); nothing appended then.
bool append_path_text(ByteSpan value, std::span<const std::string> path, std::string& out);

}  // namespace eventd::engine
