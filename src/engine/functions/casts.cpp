// Casts that PostgreSQL has as functions, among numbers, bool, oid and the text types. Their
// contexts come from pg_cast. Casts through text are io_casts.cpp's.
#include <cmath>
#include <limits>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/ordering.h"
#include "engine/functions/single_char.h"
#include "engine/functions/text_helpers.h"
#include "engine/types/float_text.h"
#include "engine/types/integer_text.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

template <class T>
inline constexpr const Fault* kRangeFault = sizeof(T) == 2   ? &fault::kSmallintRange
                                            : sizeof(T) == 4 ? &fault::kIntegerRange
                                                             : &fault::kBigintRange;

// --- integers and floats ---

template <class To, class From>
Kernel integer_cast() {
  return row_kernel<To, From>([](From value, To& out) -> const Fault* {
    out = static_cast<To>(value);
    return out == value ? nullptr : kRangeFault<To>;
  });
}

/// Rounds half to even, as rint(). The bounds are exact in floating point.
template <class To, class From>
Kernel integer_from_float() {
  return row_kernel<To, From>([](From value, To& out) -> const Fault* {
    const From rounded = std::rint(value);
    constexpr From kLow = static_cast<From>(std::numeric_limits<To>::min());
    if (!(rounded >= kLow && rounded < -kLow)) return kRangeFault<To>;
    out = static_cast<To>(rounded);
    return nullptr;
  });
}

template <class To, class From>
Kernel float_cast() {
  return row_kernel<To, From>([](From value, To& out) { out = static_cast<To>(value); });
}

// --- numeric ---

template <class From>
Kernel numeric_from_integer() {
  return row_kernel<StringRef, From>([](From value, StringOut& out) {
    std::string& text = out.buffer();
    append_integer(value, text);
    out.copy(text);
  });
}

/// A finite number beyond the float's range (too large or too small) is an error naming its text.
Result<double> float8_of(std::string_view numeric) {
  const double value = Numeric::from_canonical(numeric).to_double();
  const bool overflow = std::isinf(value) && !numeric.ends_with("Infinity");
  const bool underflow =
      value == 0 && numeric.find_first_of("123456789") != std::string_view::npos;
  if (overflow || underflow) return parse_float8(numeric);
  return value;
}

void register_numeric_casts(Builder& builder) {
  builder.builtin("numeric(int2)", numeric_from_integer<int16_t>());
  builder.builtin("numeric(int4)", numeric_from_integer<int32_t>());
  builder.builtin("numeric(int8)", numeric_from_integer<int64_t>());
  builder.builtin("numeric(float4)",
                  row_kernel<StringRef, float>([](float value, StringOut& out) {
                    std::string& text = out.buffer();
                    Numeric::from_float(value).append_text(text);
                    out.copy(text);
                  }));
  builder.builtin("numeric(float8)",
                  row_kernel<StringRef, double>([](double value, StringOut& out) {
                    std::string& text = out.buffer();
                    Numeric::from_double(value).append_text(text);
                    out.copy(text);
                  }));
  builder.builtin("int2(numeric)",
                  row_kernel<int16_t, StringRef>([](const StringRef& value, int16_t& out) -> Status {
                    ASSIGN_OR_RETURN(out, Numeric::from_canonical(value.view()).to_int16());
                    return Status();
                  }));
  builder.builtin("int4(numeric)",
                  row_kernel<int32_t, StringRef>([](const StringRef& value, int32_t& out) -> Status {
                    ASSIGN_OR_RETURN(out, Numeric::from_canonical(value.view()).to_int32());
                    return Status();
                  }));
  builder.builtin("int8(numeric)",
                  row_kernel<int64_t, StringRef>([](const StringRef& value, int64_t& out) -> Status {
                    ASSIGN_OR_RETURN(out, Numeric::from_canonical(value.view()).to_int64());
                    return Status();
                  }));
  builder.builtin("float4(numeric)",
                  row_kernel<float, StringRef>([](const StringRef& value, float& out) -> Status {
                    ASSIGN_OR_RETURN(out, parse_float4(value.view()));
                    return Status();
                  }));
  builder.builtin("float8(numeric)",
                  row_kernel<double, StringRef>([](const StringRef& value, double& out) -> Status {
                    ASSIGN_OR_RETURN(out, float8_of(value.view()));
                    return Status();
                  }));
  builder.builtin("numeric(numeric,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const StringRef& value, int32_t modifier, StringOut& out) -> Status {
                        if (modifier < 0) {
                          out.keep(value.view());
                          return Status();
                        }
                        ASSIGN_OR_RETURN(
                            const Numeric fitted,
                            Numeric::from_canonical(value.view()).apply_modifier(modifier));
                        std::string& text = out.buffer();
                        fitted.append_text(text);
                        out.copy(text);
                        return Status();
                      }));
}

// --- text types ---

constexpr size_t kNameBytesMax = 63;

/// name: the longest prefix of whole characters within 63 bytes.
std::string_view name_of(std::string_view text) {
  if (text.size() <= kNameBytesMax) return text;
  size_t size = kNameBytesMax;
  while (size > 0 && is_utf8_continuation(text[size])) --size;
  return text.substr(0, size);
}

/// Shortens to `limit` characters; if not explicit only spaces may go (22001).
Status fit_length(std::string_view& text, int32_t limit, bool is_explicit, const char* type) {
  const size_t fit = utf8_prefix_bytes(text, static_cast<size_t>(limit));
  if (fit == text.size()) return Status();
  if (!is_explicit && text.find_first_not_of(' ', fit) != std::string_view::npos) {
    return Status(sqlstate::kStringDataRightTruncation,
                  std::string("value too long for type ") + type + "(" + std::to_string(limit) +
                      ")");
  }
  text = text.substr(0, fit);
  return Status();
}

constexpr int32_t kVarlenaHeader = 4;  // part of varchar's and char's modifiers

Status varchar_fit(const StringRef& value, int32_t modifier, uint8_t is_explicit, StringOut& out) {
  std::string_view text = value.view();
  if (modifier >= kVarlenaHeader) {
    RETURN_IF_ERROR(
        fit_length(text, modifier - kVarlenaHeader, is_explicit != 0, "character varying"));
  }
  out.keep(text);
  return Status();
}

Status bpchar_fit(const StringRef& value, int32_t modifier, uint8_t is_explicit, StringOut& out) {
  std::string_view text = value.view();
  if (modifier < kVarlenaHeader) {
    out.keep(text);
    return Status();
  }
  const int32_t limit = modifier - kVarlenaHeader;
  RETURN_IF_ERROR(fit_length(text, limit, is_explicit != 0, "character"));
  const size_t length = utf8_length(text);
  if (length >= static_cast<size_t>(limit)) {
    out.keep(text);
    return Status();
  }
  const size_t padding = static_cast<size_t>(limit) - length;
  char* to = out.allocate(text.size() + padding);
  std::copy(text.begin(), text.end(), to);
  std::fill_n(to + text.size(), padding, ' ');
  return Status();
}

void register_text_casts(Builder& builder) {
  const Kernel same = row_kernel<StringRef, StringRef>(
      [](const StringRef& value, StringOut& out) { out.keep(value.view()); });
  const Kernel without_padding = row_kernel<StringRef, StringRef>(
      [](const StringRef& value, StringOut& out) {
        out.keep(without_trailing_spaces(value.view()));
      });
  builder.builtins({"text(name)", "bpchar(name)", "varchar(name)"}, same);
  builder.builtins({"text(char)", "bpchar(char)"},
                   row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
                     std::string& text = out.buffer();
                     append_char_text(value.view(), text);
                     out.copy(text);
                   }));
  builder.builtin("text(bpchar)", without_padding);
  builder.builtins({"name(text)", "name(varchar)"},
                   row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
                     out.keep(name_of(value.view()));
                   }));
  builder.builtin("name(bpchar)",
                  row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
                    out.keep(name_of(without_trailing_spaces(value.view())));
                  }));
  builder.builtin("char(text)",
                  row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
                    char byte = 0;
                    out.copy(char_from_text(value.view(), byte));
                  }));
  builder.builtin("varchar(varchar,int4,bool)",
                  row_kernel<StringRef, StringRef, int32_t, uint8_t>(
                      [](const StringRef& value, int32_t modifier, uint8_t is_explicit,
                         StringOut& out) {
                        return varchar_fit(value, modifier, is_explicit, out);
                      }));
  builder.builtin("bpchar(bpchar,int4,bool)",
                  row_kernel<StringRef, StringRef, int32_t, uint8_t>(
                      [](const StringRef& value, int32_t modifier, uint8_t is_explicit,
                         StringOut& out) {
                        return bpchar_fit(value, modifier, is_explicit, out);
                      }));
}

}  // namespace

void register_casts(Builder& builder) {
  builder.builtin("int2(int4)", integer_cast<int16_t, int32_t>());
  builder.builtin("int2(int8)", integer_cast<int16_t, int64_t>());
  builder.builtin("int4(int2)", integer_cast<int32_t, int16_t>());
  builder.builtin("int4(int8)", integer_cast<int32_t, int64_t>());
  builder.builtin("int8(int2)", integer_cast<int64_t, int16_t>());
  builder.builtin("int8(int4)", integer_cast<int64_t, int32_t>());
  builder.builtin("int2(float4)", integer_from_float<int16_t, float>());
  builder.builtin("int2(float8)", integer_from_float<int16_t, double>());
  builder.builtin("int4(float4)", integer_from_float<int32_t, float>());
  builder.builtin("int4(float8)", integer_from_float<int32_t, double>());
  builder.builtin("int8(float4)", integer_from_float<int64_t, float>());
  builder.builtin("int8(float8)", integer_from_float<int64_t, double>());
  builder.builtin("float4(int2)", float_cast<float, int16_t>());
  builder.builtin("float4(int4)", float_cast<float, int32_t>());
  builder.builtin("float4(int8)", float_cast<float, int64_t>());
  builder.builtin("float8(int2)", float_cast<double, int16_t>());
  builder.builtin("float8(int4)", float_cast<double, int32_t>());
  builder.builtin("float8(int8)", float_cast<double, int64_t>());
  builder.builtin("float8(float4)", float_cast<double, float>());
  builder.builtin("float4(float8)",
                  row_kernel<float, double>([](double value, float& out) -> const Fault* {
                    out = static_cast<float>(value);
                    if (std::isinf(out) && !std::isinf(value)) return &fault::kFloatOverflow;
                    if (out == 0 && value != 0) return &fault::kFloatUnderflow;
                    return nullptr;
                  }));
  builder.builtin("int4(bool)",
                  row_kernel<int32_t, uint8_t>([](uint8_t value, int32_t& out) { out = value; }));
  builder.builtin("bool(int4)", row_kernel<uint8_t, int32_t>(
                                    [](int32_t value, uint8_t& out) { out = value != 0; }));
  builder.builtin("text(bool)",
                  row_kernel<StringRef, uint8_t>([](uint8_t value, StringOut& out) {
                    out.keep(value != 0 ? "true" : "false");
                  }));
  builder.builtin("oid(int8)",
                  row_kernel<int32_t, int64_t>([](int64_t value, int32_t& out) -> const Fault* {
                    out = static_cast<int32_t>(static_cast<uint32_t>(value));
                    return value < 0 || value > UINT32_MAX ? &fault::kOidRange : nullptr;
                  }));
  builder.builtin("int8(oid)", row_kernel<int64_t, int32_t>([](int32_t value, int64_t& out) {
                    out = static_cast<uint32_t>(value);
                  }));
  register_numeric_casts(builder);
  register_text_casts(builder);
}

}  // namespace eventd::engine
