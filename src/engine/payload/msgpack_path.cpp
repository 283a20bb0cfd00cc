#include "engine/payload/msgpack_path.h"

#include <charconv>
#include <cstring>

#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_reader.h"

namespace eventd::engine {
namespace {

// The value that starts at the reader's position, which moves behind it.
std::optional<ByteSpan> take_value(MsgpackReader& reader) {
  const uint8_t* start = reader.position();
  if (!reader.skip()) return std::nullopt;
  return ByteSpan(start, static_cast<size_t>(reader.position() - start));
}

// A path step as an array index: as PostgreSQL, a decimal int with an optional sign.
std::optional<int64_t> index_of(std::string_view step) {
  if (step.starts_with('+')) step.remove_prefix(1);
  int32_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc() || end != step.data() + step.size()) return std::nullopt;
  return index;
}

// `key` compared with a key token that is no string: those print as their text.
bool odd_key_matches(const MsgpackToken& token, ByteSpan encoded, std::string_view key) {
  if (token.kind == MsgpackKind::kArray || token.kind == MsgpackKind::kMap) return false;
  std::string text;
  append_map_key_text(encoded, text);
  return text == key;
}

// The rest of the map after its header: the last value under `key`.
std::optional<ByteSpan> find_in_map(MsgpackReader& reader, uint32_t count, std::string_view key) {
  const uint8_t* found = nullptr;
  const uint8_t* found_end = nullptr;
  MsgpackToken token;
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t* key_start = reader.position();
    if (!reader.next(token)) return std::nullopt;
    bool match = false;
    if (token.kind == MsgpackKind::kString) [[likely]] {
      match = token.bytes.size() == key.size() &&
              std::memcmp(token.bytes.data(), key.data(), key.size()) == 0;
    } else if (token.kind == MsgpackKind::kArray || token.kind == MsgpackKind::kMap) {
      // A container as a key has no text that a path could name: step over its items.
      uint64_t items = token.kind == MsgpackKind::kMap ? uint64_t{token.count} * 2 : token.count;
      for (; items > 0; --items)
        if (!reader.skip()) return std::nullopt;
    } else {
      match = odd_key_matches(
          token, {key_start, static_cast<size_t>(reader.position() - key_start)}, key);
    }
    const uint8_t* value = reader.position();
    if (!reader.skip()) return std::nullopt;
    if (match) {
      found = value;
      found_end = reader.position();
    }
  }
  if (found == nullptr) return std::nullopt;
  return ByteSpan(found, static_cast<size_t>(found_end - found));
}

std::optional<ByteSpan> find_in_array(MsgpackReader& reader, uint32_t count, int64_t index) {
  if (index < 0) index += count;
  if (index < 0 || index >= count) return std::nullopt;
  for (; index > 0; --index)
    if (!reader.skip()) return std::nullopt;
  return take_value(reader);
}

}  // namespace

std::optional<ByteSpan> find_key(ByteSpan value, std::string_view key) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token) || token.kind != MsgpackKind::kMap) return std::nullopt;
  return find_in_map(reader, token.count, key);
}

std::optional<ByteSpan> find_index(ByteSpan value, int64_t index) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token) || token.kind != MsgpackKind::kArray) return std::nullopt;
  return find_in_array(reader, token.count, index);
}

std::optional<ByteSpan> find_path(ByteSpan value, std::span<const std::string> path) {
  std::optional<ByteSpan> at = value;
  for (const std::string& step : path) {
    MsgpackReader reader(*at);
    MsgpackToken token;
    if (!reader.next(token)) return std::nullopt;
    if (token.kind == MsgpackKind::kMap) {
      at = find_in_map(reader, token.count, step);
    } else if (token.kind == MsgpackKind::kArray) {
      const std::optional<int64_t> index = index_of(step);
      if (!index) return std::nullopt;
      at = find_in_array(reader, token.count, *index);
    } else {
      return std::nullopt;
    }
    if (!at) return std::nullopt;
  }
  return at;
}

bool append_path_text(ByteSpan value, std::span<const std::string> path, std::string& out) {
  const std::optional<ByteSpan> found = find_path(value, path);
  return found && append_jsonb_scalar_text(*found, out);
}

}  // namespace eventd::engine
