// Concatenation, case, length, substring, padding and trimming of text and bytea.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"
#include "engine/functions/text_helpers.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status concatenate(const CallFrame& frame, std::string_view a, std::string_view b, StringOut& out) {
  if (a.size() + b.size() > kMaxTextBytes) return fault::kRequestedLength.status();
  RETURN_IF_ERROR(check_value_bytes(frame.context, a.size() + b.size()));
  char* to = out.allocate(a.size() + b.size());
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), to));
  return Status();
}

/// text || any: the other side is cast to text ('true', not 't').
Status concatenate_any(const CallFrame& frame, Vector& result) {
  std::string buffer;
  const Vector& left = frame.arguments[0];
  const Vector& right = frame.arguments[1];
  const auto append = [&](const Vector& vector, uint32_t row) {
    if (vector.type() == oid::kBool) {
      buffer += vector.view<uint8_t>()[row] != 0 ? "true" : "false";
    } else {
      append_text(frame.context.format, vector, row, buffer);
    }
  };
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (left.is_null(row) || right.is_null(row)) {
      out.set_null(row);
      return Status();
    }
    buffer.clear();
    append(left, row);
    append(right, row);
    out.set_string(row, buffer);
    return Status();
  });
}

// --- substring ---

/// The half-open range of positions [first, last) from 0 of substring(… from start for length).
struct Range {
  size_t first = 0;
  size_t last = SIZE_MAX;
};

Result<Range> substring_range(int32_t start, int32_t length) {
  if (length < 0) return {sqlstate::kSubstringError, "negative substring length not allowed"};
  const int64_t first = std::max<int64_t>(start, 1) - 1;
  const int64_t last = int64_t{start} + length - 1;
  if (last <= first) return Range{0, 0};
  return Range{static_cast<size_t>(first), static_cast<size_t>(last)};
}

std::string_view text_slice(std::string_view text, Range range) {
  if (range.last <= range.first) return {};
  const size_t begin = utf8_prefix_bytes(text, range.first);
  text.remove_prefix(begin);
  return range.last == SIZE_MAX
             ? text
             : text.substr(0, utf8_prefix_bytes(text, range.last - range.first));
}

std::string_view bytes_slice(std::string_view bytes, Range range) {
  if (range.last <= range.first || range.first >= bytes.size()) return {};
  return bytes.substr(range.first, range.last - range.first);
}

void register_substring(Builder& builder) {
  builder.builtins({"substr(text,int4)", "substring(text,int4)"},
                   row_kernel<StringRef, StringRef, int32_t>(
                       [](const StringRef& text, int32_t start, StringOut& out) {
                         const auto first = static_cast<size_t>(std::max(start, 1) - 1);
                         out.keep(text_slice(text.view(), Range{.first = first}));
                       }));
  builder.builtins({"substr(text,int4,int4)", "substring(text,int4,int4)"},
                   row_kernel<StringRef, StringRef, int32_t, int32_t>(
                       [](const StringRef& text, int32_t start, int32_t length,
                          StringOut& out) -> Status {
                         ASSIGN_OR_RETURN(const Range range, substring_range(start, length));
                         out.keep(text_slice(text.view(), range));
                         return Status();
                       }));
  builder.builtins({"substr(bytea,int4)", "substring(bytea,int4)"},
                   row_kernel<StringRef, StringRef, int32_t>(
                       [](const StringRef& bytes, int32_t start, StringOut& out) {
                         const auto first = static_cast<size_t>(std::max(start, 1) - 1);
                         out.keep(bytes_slice(bytes.view(), Range{.first = first}));
                       }));
  builder.builtins({"substr(bytea,int4,int4)", "substring(bytea,int4,int4)"},
                   row_kernel<StringRef, StringRef, int32_t, int32_t>(
                       [](const StringRef& bytes, int32_t start, int32_t length,
                          StringOut& out) -> Status {
                         ASSIGN_OR_RETURN(const Range range, substring_range(start, length));
                         out.keep(bytes_slice(bytes.view(), range));
                         return Status();
                       }));
  builder.builtin("left(text,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const StringRef& text, int32_t count, StringOut& out) {
                        int64_t keep = count;
                        if (count < 0) keep += static_cast<int64_t>(utf8_length(text.view()));
                        out.keep(text_slice(
                            text.view(), {0, static_cast<size_t>(std::max<int64_t>(keep, 0))}));
                      }));
  builder.builtin("right(text,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const StringRef& text, int32_t count, StringOut& out) {
                        const auto length = static_cast<int64_t>(utf8_length(text.view()));
                        const int64_t skip = count < 0 ? -int64_t{count} : length - count;
                        out.keep(text_slice(
                            text.view(),
                            Range{.first = static_cast<size_t>(std::max<int64_t>(skip, 0))}));
                      }));
}

// --- length and case ---

/// Writes map(byte) for every byte, in parts short enough to ask in between.
template <class Map>
void map_bytes(const StringRef& from, char* to, const Map& map) {
  constexpr size_t kPartBytes = 4 << 20;
  for (size_t at = 0; at < from.size && (at == 0 || !is_interrupted()); at += kPartBytes) {
    const size_t end = std::min<size_t>(from.size, at + kPartBytes);
    std::transform(from.data + at, from.data + end, to + at, map);
  }
}

void register_length_and_case(Builder& builder) {
  const Kernel characters = row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
    out = static_cast<int32_t>(utf8_length(v.view()));
  });
  const Kernel trimmed_characters =
      row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
        out = static_cast<int32_t>(utf8_length(without_trailing_spaces(v.view())));
      });
  const Kernel octets = row_kernel<int32_t, StringRef>(
      [](const StringRef& v, int32_t& out) { out = static_cast<int32_t>(v.size); });
  builder.builtins({"length(text)", "char_length(text)", "character_length(text)", "textlen(text)"},
                   characters);
  builder.builtins({"length(bpchar)", "char_length(bpchar)", "character_length(bpchar)"},
                   trimmed_characters);
  builder.builtins({"octet_length(text)", "octet_length(bpchar)", "octet_length(bytea)",
                    "length(bytea)"},
                   octets);
  builder.builtins({"bit_length(text)", "bit_length(bytea)"},
                   row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
                     out = static_cast<int32_t>(v.size * 8);
                   }));
  // C locale: only ASCII letters have case.
  builder.builtin("lower(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    map_bytes(v, out.allocate(v.size), ascii_lower);
                  }));
  builder.builtin("upper(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    map_bytes(v, out.allocate(v.size), ascii_upper);
                  }));
  builder.builtin("initcap(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    char* to = out.allocate(v.size);
                    bool in_word = false;
                    map_bytes(v, to, [&](char c) {
                      const char shown = in_word ? ascii_lower(c) : ascii_upper(c);
                      const char lower = ascii_lower(c);
                      in_word = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
                      return shown;
                    });
                  }));
}

// --- trimming and padding ---

/// Removes characters of `set` from the ends. Both are cut at character boundaries.
std::string_view trim(std::string_view text, std::string_view set, bool left, bool right) {
  const auto in_set = [&](std::string_view character) {
    for (std::string_view rest = set; !rest.empty();) {
      const size_t size = utf8_first_bytes(rest);
      if (rest.substr(0, size) == character) return true;
      rest.remove_prefix(size);
    }
    return false;
  };
  InterruptPacer pacer;
  while (left && !text.empty() && !pacer.step(5 + set.size())) {
    const size_t size = utf8_first_bytes(text);
    if (!in_set(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  while (right && !text.empty() && !pacer.step(5 + set.size())) {
    size_t at = text.size() - 1;
    while (at > 0 && is_utf8_continuation(text[at])) --at;
    if (!in_set(text.substr(at))) break;
    text.remove_suffix(text.size() - at);
  }
  return text;
}

std::string_view trim_bytes(std::string_view bytes, std::string_view set, bool left, bool right) {
  while (left && !bytes.empty() && set.find(bytes.front()) != set.npos) bytes.remove_prefix(1);
  while (right && !bytes.empty() && set.find(bytes.back()) != set.npos) bytes.remove_suffix(1);
  return bytes;
}

template <bool kLeft, bool kRight>
void register_trim(Builder& builder, const std::string& name) {
  builder.builtin(name + "(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    out.keep(trim_bytes(v.view(), " ", kLeft, kRight));
                  }));
  builder.builtin(name + "(text,text)",
                  row_kernel<StringRef, StringRef, StringRef>(
                      [](const StringRef& v, const StringRef& set, StringOut& out) {
                        out.keep(trim(v.view(), set.view(), kLeft, kRight));
                      }));
  builder.builtin(name + "(bytea,bytea)",
                  row_kernel<StringRef, StringRef, StringRef>(
                      [](const StringRef& v, const StringRef& set, StringOut& out) {
                        out.keep(trim_bytes(v.view(), set.view(), kLeft, kRight));
                      }));
}

/// lpad and rpad: cut to `length` characters, or filled up to it.
Status pad(const CallFrame& frame, std::string_view text, int32_t length, std::string_view fill,
           bool left, StringOut& out) {
  const auto wanted = static_cast<size_t>(std::max(length, 0));
  const size_t have = utf8_length(text);
  if (have >= wanted || fill.empty()) {
    out.keep(text.substr(0, utf8_prefix_bytes(text, wanted)));
    return Status();
  }
  if ((wanted - have) * 4 + text.size() > kMaxTextBytes) return fault::kRequestedLength.status();
  RETURN_IF_ERROR(check_value_bytes(frame.context, text.size() + wanted - have));
  std::string& buffer = out.buffer();
  if (!left) buffer += text;
  size_t missing = wanted - have;
  const size_t fill_length = utf8_length(fill);
  // It may be long: grown as it fills, it would be copied again and again.
  buffer.reserve(text.size() + missing / std::max<size_t>(fill_length, 1) * fill.size() + fill.size());
  InterruptPacer pacer;
  for (; missing >= fill_length && fill_length > 0; missing -= fill_length) {
    if (pacer.step(5 + fill.size() / 4)) return check_interrupt();
    buffer += fill;
  }
  buffer += fill.substr(0, utf8_prefix_bytes(fill, missing));
  if (left) buffer += text;
  out.copy(buffer);
  return Status();
}

template <bool kLeft>
void register_pad(Builder& builder, const std::string& name) {
  builder.builtin(name + "(text,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const CallFrame& frame, const StringRef& text, int32_t length, StringOut& out) {
                        return pad(frame, text.view(), length, " ", kLeft, out);
                      }));
  builder.builtin(name + "(text,int4,text)",
                  row_kernel<StringRef, StringRef, int32_t, StringRef>(
                      [](const CallFrame& frame, const StringRef& text, int32_t length,
                         const StringRef& fill, StringOut& out) {
                        return pad(frame, text.view(), length, fill.view(), kLeft, out);
                      }));
}

}  // namespace

void register_text(Builder& builder) {
  builder.builtins({"textcat(text,text)", "byteacat(bytea,bytea)"},
                   row_kernel<StringRef, StringRef, StringRef>(
                       [](const CallFrame& frame, const StringRef& a, const StringRef& b, StringOut& out) {
                         return concatenate(frame, a.view(), b.view(), out);
                       }));
  const Kernel any = [](const CallFrame& frame, Vector& result) {
    return concatenate_any(frame, result);
  };
  builder.builtins({"textanycat(text,anynonarray)", "anytextcat(anynonarray,text)"}, any);
  register_substring(builder);
  register_length_and_case(builder);
  register_trim<true, true>(builder, "btrim");
  register_trim<true, false>(builder, "ltrim");
  register_trim<false, true>(builder, "rtrim");
  register_pad<true>(builder, "lpad");
  register_pad<false>(builder, "rpad");
}

}  // namespace eventd::engine
