#include "engine/payload/jsonb_text.h"

#include <charconv>
#include <cmath>

#include "engine/payload/jsonb_map.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/types/format_options.h"
#include "engine/types/integer_text.h"
#include "engine/types/numeric.h"
#include "engine/types/scalar_text.h"
#include "interrupt.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// Length of the valid UTF-8 sequence at the front, 0 if there is none.
size_t sequence_size(std::string_view text) {
  const auto c = static_cast<uint8_t>(text[0]);
  const size_t size = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  if (size == 0 || size > text.size()) return 0;
  return kmes_utf8_valid(as_bytes(text).data(), size) ? size : 0;
}

// How many bytes at the front stand for themselves in a JSON string, found eight at a time: there may
// be up to seven more.
size_t plain_prefix(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  size_t i = 0;
  for (; text.size() - i >= 8; i += 8) {
    const auto word = load_le<uint64_t>(as_bytes(text).data() + i);
    const uint64_t quote = word ^ kOnes * '"', backslash = word ^ kOnes * '\\';
    // A high bit for bytes from 0x80, below 0x20, and the two; borrows only reach beyond one of these.
    const uint64_t odd = word | (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes);
    if ((odd & kHighs) != 0) break;
  }
  return i;
}

void append_unicode_escape(uint32_t code, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHexDigits[code >> shift & 15]);
}

void append_double(double value, std::string& out) {
  if (value == 0) {
    out.push_back('0');
    return;
  }
  char buffer[64];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  if (text.find('e') == std::string_view::npos) {
    out += text;
  } else {
    Numeric::from_double_shortest(value).append_text(out);
  }
}

// bin and unknown ext as the text "\x…".
void append_hex_text(const MsgpackToken& token, std::string& out) {
  if (token.kind == MsgpackKind::kExt) {
    std::string bytes(1, static_cast<char>(token.ext_type));
    bytes += token.text();
    append_bytea(ByteaOutput::kHex, bytes, out);
  } else {
    append_bytea(ByteaOutput::kHex, token.text(), out);
  }
}

// Raw text of a string: as it is, unless it holds what SQL text cannot.
void append_sql_text(std::string_view text, std::string& out) {
  bool plain = true;
  for (const char c : text) plain = plain && c > 0;
  if (plain || (text.find('\0') == std::string_view::npos &&
                kmes_utf8_valid(as_bytes(text).data(), text.size()))) {
    out += text;
    return;
  }
  for (size_t i = 0; i < text.size();) {
    const size_t size = sequence_size(text.substr(i));
    if (size == 0 || text[i] == '\0') {
      append_unicode_escape(text[i] == '\0' ? 0 : 0xdc00u | static_cast<uint8_t>(text[i]), out);
      ++i;
    } else {
      out.append(text.substr(i, size));
      i += size;
    }
  }
}

// Text of a scalar that is no string (and whether JSON quotes it). Nil: "null".
bool append_plain_scalar(const MsgpackToken& token, std::string& out) {
  switch (token.kind) {
    case MsgpackKind::kNil: out += "null"; return false;
    case MsgpackKind::kBool: out += token.boolean ? "true" : "false"; return false;
    case MsgpackKind::kInt: append_integer(token.integer, out); return false;
    case MsgpackKind::kUint: append_integer(token.unsigned_integer(), out); return false;
    case MsgpackKind::kFloat:
      if (std::isfinite(token.real)) {
        append_double(token.real, out);
        return false;
      }
      out += std::isnan(token.real) ? "NaN" : token.real < 0 ? "-Infinity" : "Infinity";
      return true;
    case MsgpackKind::kExt:
      if (token.ext_type == kMsgpackDecimalExt) {
        const Result<Numeric> number = Numeric::parse(token.text());
        if (number.ok() && number->is_finite()) {
          number->append_text(out);
          return false;
        }
      }
      append_hex_text(token, out);
      return true;
    default: append_hex_text(token, out); return true;
  }
}

/// Walks a value and prints it. Depth is bounded, deeper parts print as null; interrupted, it ends early.
class Printer {
 public:
  Printer(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  // False when the bytes end early; what was open is closed.
  bool value(MsgpackReader& reader, int depth) {
    MsgpackToken token;
    if (depth > kMsgpackNestingMax || pacer_.step(kValueNs) || !reader.next(token)) {
      out_ += "null";
      return false;
    }
    switch (token.kind) {
      case MsgpackKind::kString: append_json_string(token.text(), out_); return true;
      case MsgpackKind::kArray: return array(reader, token.count, depth);
      case MsgpackKind::kMap: map(reader, token.count, depth); return true;
      default: {
        const size_t start = out_.size();
        if (append_plain_scalar(token, out_)) {
          const std::string text = out_.substr(start);
          out_.resize(start);
          append_json_string(text, out_);
        }
        return true;
      }
    }
  }

 private:
  bool array(MsgpackReader& reader, uint32_t count, int depth) {
    out_.push_back('[');
    bool whole = true;
    for (uint32_t i = 0; i < count && whole; ++i) {
      separate(i == 0, depth);
      whole = value(reader, depth + 1);
    }
    end(depth, ']');
    return whole;
  }

  void map(MsgpackReader& reader, uint32_t count, int depth) {
    const size_t base = maps_.push(reader, count);
    const size_t size = maps_.size();
    out_.push_back('{');
    for (size_t i = base; i < size && !pacer_.interrupted(); ++i) {
      separate(i == base, depth);
      const JsonbEntry entry = maps_[i];
      append_json_string(entry.key, out_);
      out_ += ": ";
      MsgpackReader inner(entry.value);
      value(inner, depth + 1);
    }
    maps_.pop(base);
    end(depth, '}');
  }

  void separate(bool first, int depth) {
    if (pretty_) {
      if (!first) out_.push_back(',');
      line(depth + 1);
    } else if (!first) {
      out_ += ", ";
    }
  }
  void end(int depth, char bracket) {
    if (pretty_) line(depth);  // in empty containers too, as jsonb_pretty()
    out_.push_back(bracket);
  }
  void line(int depth) { out_.append(1, '\n').append(static_cast<size_t>(depth) * 4, ' '); }

  static constexpr uint64_t kValueNs = 20;

  std::string& out_;
  const bool pretty_;
  InterruptPacer pacer_;
  JsonbMapStack maps_;
};

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out.push_back('"');
  size_t plain = 0;  // start of the run not yet copied
  bool checked = false;
  const auto flush = [&](size_t to) { out.append(text.substr(plain, to - plain)); };
  for (size_t i = plain_prefix(text); i < text.size();) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') [[likely]] {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      if (!checked && kmes_utf8_valid(as_bytes(text).data(), text.size())) checked = true;
      if (checked) {
        ++i;
        continue;
      }
      const size_t size = sequence_size(text.substr(i));
      if (size > 0) {
        i += size;
        continue;
      }
      flush(i);
      append_unicode_escape(0xdc00u | c, out);
    } else {
      flush(i);
      switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\b': out += "\\b"; break;
        case '\f': out += "\\f"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default: append_unicode_escape(c, out);
      }
    }
    plain = ++i;
  }
  flush(text.size());
  out.push_back('"');
}

void append_jsonb_text(ByteSpan value, std::string& out) {
  MsgpackReader reader(value);
  Printer(out, false).value(reader, 0);
}

void append_jsonb_pretty(ByteSpan value, std::string& out) {
  MsgpackReader reader(value);
  Printer(out, true).value(reader, 0);
}

bool append_jsonb_scalar_text(ByteSpan value, std::string& out) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token)) return false;
  switch (token.kind) {
    case MsgpackKind::kNil: return false;
    case MsgpackKind::kString: append_sql_text(token.text(), out); return true;
    case MsgpackKind::kArray:
    case MsgpackKind::kMap: append_jsonb_text(value, out); return true;
    default: append_plain_scalar(token, out); return true;
  }
}

void append_map_key_text(ByteSpan key, std::string& out) {
  if (!append_jsonb_scalar_text(key, out)) out += "null";
}

}  // namespace eventd::engine
