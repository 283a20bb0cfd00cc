#include "engine/catalog/payload_fields.h"

#include <algorithm>
#include <cctype>

#include "kmes/validate.h"

namespace eventd::engine {
namespace {

bool is_plain(std::string_view piece) {
  return !piece.empty() && piece.find("--") == piece.npos &&
         std::all_of(piece.begin(), piece.end(), [](char c) {
           const auto u = static_cast<unsigned char>(c);
           return u >= 0x80 || std::isalnum(u) != 0 || c == '_' || c == '@' || c == '-';
         });
}

void append_piece(std::string_view piece, std::string& out) {
  if (is_plain(piece)) {
    out += piece;
    return;
  }
  out += '`';
  for (const char c : piece) out.append(c == '`' ? 2 : 1, c);
  out += '`';
}

// What can be a name in a statement: text without U+0000.
bool is_name(const MsgpackToken& key) {
  return key.kind == MsgpackKind::kString && key.bytes.size() <= kFieldPathBytesMax &&
         key.text().find('\0') == std::string_view::npos &&
         kmes_utf8_valid(key.bytes.data(), key.bytes.size());
}

void visit_map(MsgpackReader& reader, uint32_t count, size_t depth, std::string& path,
               FieldVisitor& visitor) {
  const size_t base = path.size();
  for (uint32_t i = 0; i < count; ++i) {
    MsgpackToken key, value;
    const MsgpackReader at_key = reader;
    if (!reader.next(key)) return;
    if (!is_name(key)) {
      reader = at_key;
      if (!reader.skip() || !reader.skip()) return;
      continue;
    }
    if (depth > 0) path += '.';
    append_piece(key.text(), path);
    MsgpackReader inside = reader;
    if (!inside.next(value)) return;
    const auto type = field_type_of(value);
    if (type && path.size() <= kFieldPathBytesMax) {
      visitor.visit(path, *type);
      if (*type == FieldType::kMap && depth + 1 < kFieldDepthMax) {
        visit_map(inside, value.count, depth + 1, path, visitor);
      }
    }
    path.resize(base);
    if (!reader.skip()) return;
  }
}

}  // namespace

void for_each_payload_field(ByteSpan payload, std::string& path_buffer, FieldVisitor& visitor) {
  MsgpackReader reader(payload);
  MsgpackToken map;
  path_buffer.clear();
  if (!reader.next(map) || map.kind != MsgpackKind::kMap) return;
  visit_map(reader, map.count, 0, path_buffer, visitor);
}

std::string field_path_text(std::span<const std::string> path) {
  std::string text;
  for (const std::string& piece : path) {
    if (!text.empty()) text += '.';
    append_piece(piece, text);
  }
  return text;
}

std::vector<std::string> field_path_pieces(std::string_view text) {
  std::vector<std::string> pieces(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '`') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '`') {
        pieces.back() += '`';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (text[i] == '.' && !quoted) {
      pieces.emplace_back();
    } else {
      pieces.back() += text[i];
    }
  }
  return pieces;
}

}  // namespace eventd::engine
