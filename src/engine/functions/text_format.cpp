// Building text: concat, concat_ws, format, quoting, repeat, reverse, chr, to_hex.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/quoting.h"
#include "engine/functions/text_helpers.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Status concat(const CallFrame& frame, Vector& result) {
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    buffer.clear();
    for (const Vector& argument : frame.arguments) {
      if (!argument.is_null(row)) append_text(frame.context.format, argument, row, buffer);
    }
    out.set_string(row, buffer);
    return Status();
  });
}

Status concat_ws(const CallFrame& frame, Vector& result) {
  std::string buffer;
  const auto separators = frame.arguments[0].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    if (!separators.valid(row)) {
      out.set_null(row);
      return Status();
    }
    buffer.clear();
    bool first = true;
    for (const Vector& argument : frame.arguments.subspan(1)) {
      if (argument.is_null(row)) continue;
      if (!first) buffer += separators[row].view();
      first = false;
      append_text(frame.context.format, argument, row, buffer);
    }
    out.set_string(row, buffer);
    return Status();
  });
}

// --- format() ---

/// One `%[position][flags][width]type` of a format string.
struct FormatSpec {
  int position = 0;         ///< 1-based argument, 0 = the next
  bool left_align = false;
  int width = 0;
  int width_position = -1;  ///< -1 = a number, 0 = `*`, n = `*n$`
  char type = 's';
};

Status unterminated() {
  return Status(Error{sqlstate::kInvalidParameterValue, "unterminated format() type specifier", {},
                      "For a single \"%\" use \"%%\".", {}, 0});
}

/// Reads digits; false if there are none. Too many: an error through `number` -1.
bool read_number(std::string_view format, size_t& at, int& number) {
  const size_t begin = at;
  while (at < format.size() && format[at] >= '0' && format[at] <= '9') ++at;
  if (at == begin) return false;
  const auto [stop, error] =
      std::from_chars(format.data() + begin, format.data() + at, number);
  if (error != std::errc()) number = -1;
  return true;
}

Result<FormatSpec> read_spec(std::string_view format, size_t& at) {
  FormatSpec spec;
  const auto out_of_range = [] {
    return Status(sqlstate::kNumericValueOutOfRange, "number is out of range");
  };
  const auto bad_position = [] {
    return Status(sqlstate::kInvalidParameterValue,
                  "format specifies argument 0, but arguments are numbered from 1");
  };
  const size_t begin = at;
  int number = 0;
  if (read_number(format, at, number)) {
    if (number < 0) return out_of_range();
    if (at < format.size() && format[at] == '$') {
      if (number == 0) return bad_position();
      spec.position = number;
      ++at;
    } else {
      at = begin;  // it was a width
    }
  }
  while (at < format.size() && format[at] == '-') {
    spec.left_align = true;
    ++at;
  }
  if (at < format.size() && format[at] == '*') {
    ++at;
    spec.width_position = 0;
    if (read_number(format, at, number)) {
      if (number < 0) return out_of_range();
      if (at >= format.size() || format[at] != '$')
        return Status(sqlstate::kInvalidParameterValue,
                      "width argument position must be ended by \"$\"");
      if (number == 0) return bad_position();
      spec.width_position = number;
      ++at;
    }
  } else if (read_number(format, at, number)) {
    if (number < 0) return out_of_range();
    spec.width = number;
  }
  if (at >= format.size()) return unterminated();
  spec.type = format[at++];
  return spec;
}

class Formatter {
 public:
  Formatter(const CallFrame& frame, uint32_t row, std::string& out)
      : frame_(frame), row_(row), out_(out) {}

  Status run(std::string_view format) {
    for (size_t at = 0; at < format.size();) {
      const size_t percent = format.find('%', at);
      out_ += format.substr(at, percent - at);
      if (percent == format.npos) break;
      at = percent + 1;
      if (at >= format.size()) return unterminated();
      if (format[at] == '%') {
        out_ += '%';
        ++at;
        continue;
      }
      ASSIGN_OR_RETURN(const FormatSpec spec, read_spec(format, at));
      RETURN_IF_ERROR(append(spec));
    }
    return Status();
  }

 private:
  Result<const Vector*> argument(int position) {
    const auto index = static_cast<size_t>(position != 0 ? position : next_ + 1);
    next_ = static_cast<int>(index);
    if (index >= frame_.arguments.size())
      return {sqlstate::kInvalidParameterValue, "too few arguments for format()"};
    return &frame_.arguments[index];
  }

  Status append(const FormatSpec& spec) {
    int64_t width = spec.width;
    bool left_align = spec.left_align;
    if (spec.width_position >= 0) {
      ASSIGN_OR_RETURN(const Vector* value, argument(spec.width_position));
      width = 0;
      if (!value->is_null(row_)) {
        std::string text;
        append_text(frame_.context.format, *value, row_, text);
        const auto [stop, error] =
            std::from_chars(text.data(), text.data() + text.size(), width);
        if (error != std::errc() || stop != text.data() + text.size() || width > INT32_MAX ||
            width < -INT32_MAX)
          return Status(sqlstate::kInvalidTextRepresentation,
                        "invalid input syntax for type integer: \"" + text + "\"");
      }
      if (width < 0) {
        left_align = true;
        width = -width;
      }
    }
    if (spec.type != 's' && spec.type != 'I' && spec.type != 'L') {
      return Status(Error{sqlstate::kInvalidParameterValue,
                          std::string("unrecognized format() type specifier \"") + spec.type +
                              "\"",
                          {}, "For a single \"%\" use \"%%\".", {}, 0});
    }
    ASSIGN_OR_RETURN(const Vector* value, argument(spec.position));
    std::string text, quoted;
    const bool is_null = value->is_null(row_);
    if (!is_null) append_text(frame_.context.format, *value, row_, text);
    if (spec.type == 'I') {
      if (is_null)
        return Status(sqlstate::kNullValueNotAllowed,
                      "null values cannot be formatted as an SQL identifier");
      append_quoted_identifier(text, quoted);
    } else if (spec.type == 'L') {
      if (is_null) {
        quoted = "NULL";
      } else {
        append_quoted_literal(text, quoted);
      }
    } else {
      quoted = std::move(text);
    }
    const auto length = static_cast<int64_t>(utf8_length(quoted));
    const auto padding = static_cast<size_t>(std::max<int64_t>(width - length, 0));
    if (out_.size() + padding + quoted.size() > kMaxTextBytes)
      return fault::kRequestedLength.status();
    if (!left_align) out_.append(padding, ' ');
    out_ += quoted;
    if (left_align) out_.append(padding, ' ');
    return Status();
  }

  const CallFrame& frame_;
  const uint32_t row_;
  std::string& out_;
  int next_ = 0;
};

Status format(const CallFrame& frame, Vector& result) {
  const auto formats = frame.arguments[0].view<StringRef>();
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!formats.valid(row)) {
      out.set_null(row);
      return Status();
    }
    buffer.clear();
    RETURN_IF_ERROR(Formatter(frame, row, buffer).run(formats[row].view()));
    out.set_string(row, buffer);
    return Status();
  });
}

// --- quoting of any type ---

template <bool kNullable>
Status quote_any(const CallFrame& frame, Vector& result) {
  const Vector& value = frame.arguments[0];
  std::string text, quoted;
  return each_row(frame, result, [&](uint32_t row, Vector& out) {
    if (value.is_null(row)) {
      if (kNullable) {
        out.set_string(row, "NULL");
      } else {
        out.set_null(row);
      }
      return Status();
    }
    text.clear();
    quoted.clear();
    append_text(frame.context.format, value, row, text);
    append_quoted_literal(text, quoted);
    out.set_string(row, quoted);
    return Status();
  });
}

// --- single characters and repetition ---

Status repeat(const CallFrame& frame, std::string_view text, int32_t count, StringOut& out) {
  const auto times = static_cast<size_t>(std::max(count, 0));
  if (!text.empty() && times > kMaxTextBytes / text.size())
    return fault::kRequestedLength.status();
  RETURN_IF_ERROR(check_value_bytes(frame.context, text.size() * times));
  const size_t size = text.size() * times;
  if (size == 0) {
    out.keep({});
    return Status();
  }
  char* const to = out.allocate(size);
  std::copy(text.begin(), text.end(), to);
  // What is there is copied behind itself, whole texts, up to a part that takes little time.
  constexpr size_t kPartBytes = 4 << 20;
  const size_t part = std::max(kPartBytes / text.size(), size_t{1}) * text.size();
  for (size_t made = text.size(); made < size;) {
    const size_t more = std::min({made, part, size - made});
    std::copy_n(to, more, to + made);
    made += more;
    if (more == part) RETURN_IF_ERROR(check_interrupt());
  }
  return Status();
}

void reverse(std::string_view text, char* to) {
  char* end = to + text.size();
  InterruptPacer pacer;
  while (!text.empty() && !pacer.step(4)) {
    const size_t size = utf8_first_bytes(text);
    end -= size;
    std::copy_n(text.data(), size, end);
    text.remove_prefix(size);
  }
}

int32_t code_point(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint32_t>(static_cast<uint8_t>(text[i])) : 0u;
  };
  const uint32_t first = byte(0);
  uint32_t code = first;
  if (first >= 0xf0) {
    code = (first & 7) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  } else if (first >= 0xe0) {
    code = (first & 15) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
  } else if (first >= 0xc0) {
    code = (first & 31) << 6 | (byte(1) & 0x3f);
  }
  return static_cast<int32_t>(code);
}

Status chr(int32_t code, StringOut& out) {
  if (code < 0) return Status(sqlstate::kInvalidParameterValue, "character number must be positive");
  if (code == 0) return Status(sqlstate::kProgramLimitExceeded, "null character not permitted");
  if (code > 0x10ffff)
    return Status(sqlstate::kProgramLimitExceeded,
                  "requested character too large for encoding: " + std::to_string(code));
  if (code >= 0xd800 && code < 0xe000)
    return Status(sqlstate::kProgramLimitExceeded,
                  "requested character not valid for encoding: " + std::to_string(code));
  std::string& buffer = out.buffer();
  append_utf8(static_cast<uint32_t>(code), buffer);
  out.copy(buffer);
  return Status();
}

template <class Unsigned>
void append_hex(Unsigned value, StringOut& out) {
  char buffer[2 * sizeof(Unsigned)];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value, 16).ptr;
  out.copy({buffer, static_cast<size_t>(end - buffer)});
}

}  // namespace

void register_text_format(Builder& builder) {
  builder.builtin("concat(any)", concat);
  builder.builtin("concat_ws(text,any)", concat_ws);
  builder.builtins({"format(text)", "format(text,any)"}, format);
  builder.builtin("quote_ident(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    std::string& buffer = out.buffer();
                    append_quoted_identifier(v.view(), buffer);
                    out.copy(buffer);
                  }));
  builder.builtins({"quote_literal(text)", "quote_literal(anyelement)"}, quote_any<false>);
  builder.builtins({"quote_nullable(text)", "quote_nullable(anyelement)"}, quote_any<true>);
  builder.builtin("repeat(text,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const CallFrame& frame, const StringRef& text, int32_t count, StringOut& out) {
                        return repeat(frame, text.view(), count, out);
                      }));
  builder.builtin("reverse(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    reverse(v.view(), out.allocate(v.size));
                  }));
  builder.builtin("ascii(text)",
                  row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
                    out = code_point(v.view());
                  }));
  builder.builtin("chr(int4)", row_kernel<StringRef, int32_t>([](int32_t code, StringOut& out) {
                    return chr(code, out);
                  }));
  builder.builtin("to_hex(int4)", row_kernel<StringRef, int32_t>([](int32_t v, StringOut& out) {
                    append_hex(static_cast<uint32_t>(v), out);
                  }));
  builder.builtin("to_hex(int8)", row_kernel<StringRef, int64_t>([](int64_t v, StringOut& out) {
                    append_hex(static_cast<uint64_t>(v), out);
                  }));
}

}  // namespace eventd::engine
