// to_char(number, text).
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/number_template.h"
#include "engine/functions/text_helpers.h"
#include "engine/types/big_text.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using P = NumberPattern;
using LocaleSign = NumberTemplate::LocaleSign;

/// The digits to show: "123.40", without sign.
struct ShownNumber {
  std::string digits;
  bool negative = false;
  int leading = 0;  ///< places of the format before the first digit
};

/// Writes one number through one format. The names follow the places of the format: a place is a
/// digit or the point.
class NumberFormatter {
 public:
  NumberFormatter(const NumberTemplate& format, const ShownNumber& number, std::string& out)
      : t_(format), n_(number), out_(out), bracket_(format.bracket), locale_sign_(format.locale_sign) {
    if (t_.plus || t_.minus) {
      sign_written_ = !(t_.plus && !t_.minus);
    } else {
      if (!n_.negative && t_.fill_mode) bracket_ = false;
      sign_written_ = !n_.negative && t_.fill_mode && !t_.has_locale_sign;
      if (locale_sign_ == LocaleSign::kBefore && t_.before == t_.sign_place) locale_sign_ = LocaleSign::kAfter;
    }
    if (t_.fill_mode && t_.decimal) find_last_relevant();
    places_ = t_.after + t_.before - 1;
    if (!sign_written_ && n_.leading == 0) ++places_;
  }

  Status run() {
    for (const NumberTemplate::Item& item : t_.items) write(item);
    return std::move(error_);
  }

 private:
  static constexpr size_t kNowhere = std::string::npos;

  /// FM drops zeros at the end, but none a 0 of the format stands for.
  void find_last_relevant() {
    const size_t point = n_.digits.find('.');
    if (point == std::string::npos) return;
    last_relevant_ = point;
    for (size_t i = point + 1; i < n_.digits.size(); ++i)
      if (n_.digits[i] != '0') last_relevant_ = i;
    if (t_.zero_end > n_.leading) {
      const size_t last_zero = std::min(n_.digits.size() - 1, static_cast<size_t>(t_.zero_end - n_.leading));
      last_relevant_ = std::max(last_relevant_, last_zero);
    }
  }
  bool ends_at_point() const { return last_relevant_ != kNowhere && n_.digits[last_relevant_] == '.'; }
  /// "0.1" by 9.9 is " .1".
  bool drops_leading_zero() const { return !t_.zero && at_ == 0 && n_.digits[0] == '0' && t_.after != 0; }
  int zero_start() const { return t_.zero_start > 0 ? t_.zero_start - 1 : 0; }

  void write(const NumberTemplate::Item& item) {
    switch (item.pattern) {
      case P::kLiteral: out_ += item.literal; break;
      case P::kNine:
      case P::kZero:
      case P::kPoint:
      case P::kLocalePoint: place(item.pattern); break;
      case P::kComma:
      case P::kLocaleComma:
        if (in_number_) out_.push_back(',');
        else if (!t_.fill_mode) out_.push_back(' ');
        break;
      case P::kCurrency: out_.push_back(' '); break;  // the C locale has no symbol
      case P::kOrdinal:
      case P::kOrdinalLower: ordinal(item.pattern == P::kOrdinal); break;
      case P::kMinus:
        if (n_.negative) out_.push_back('-');
        else if (!t_.fill_mode) out_.push_back(' ');
        break;
      case P::kPlus:
        if (!n_.negative) out_.push_back('+');
        else if (!t_.fill_mode) out_.push_back(' ');
        break;
      case P::kPlusMinus: out_.push_back(n_.negative ? '-' : '+'); break;
      default: break;
    }
  }

  void ordinal(bool upper) {
    if (n_.digits[0] == '#' || n_.negative || t_.decimal) return;
    const size_t size = n_.digits.size();
    const char last = n_.digits[size - 1];
    if (last < '0' || last > '9') {
      error_ = Status(sqlstate::kInvalidTextRepresentation, "\"" + n_.digits + "\" is not a number");
      return;
    }
    const bool teen = size > 1 && n_.digits[size - 2] == '1';
    const char* suffix = teen || last > '3' || last < '1' ? "th" : last == '1' ? "st" : last == '2' ? "nd" : "rd";
    for (; *suffix != '\0'; ++suffix) out_.push_back(upper ? ascii_upper(*suffix) : *suffix);
  }

  void sign_before() {
    const bool reached = place_ >= n_.leading || (t_.zero && zero_start() == place_);
    if (sign_written_ || !reached || (drops_leading_zero() && !ends_at_point())) return;
    if (t_.has_locale_sign) {
      if (locale_sign_ != LocaleSign::kBefore) return;
      out_.push_back(n_.negative ? '-' : '+');
    } else if (bracket_) {
      out_.push_back(n_.negative ? '<' : ' ');
    } else if (n_.negative) {
      out_.push_back('-');
    } else if (!t_.fill_mode) {
      out_.push_back(' ');
    }
    sign_written_ = true;
  }

  void place(P pattern) {
    if (t_.roman) return;
    in_number_ = false;
    sign_before();
    if (place_ < n_.leading) {
      if (t_.zero && zero_start() <= place_) {
        out_.push_back('0');
        in_number_ = true;
      } else if (!t_.fill_mode) {
        out_.push_back(' ');
      }
    } else {
      digit(pattern);
    }
    int end = places_ + (n_.leading != 0 ? 1 : 0) + (t_.decimal ? 1 : 0);
    if (last_relevant_ != kNowhere && last_relevant_ == at_) end = place_;
    if (place_ + 1 == end) {
      if (sign_written_ && bracket_) out_.push_back(n_.negative ? '>' : ' ');
      else if (t_.has_locale_sign && locale_sign_ == LocaleSign::kAfter) out_.push_back(n_.negative ? '-' : '+');
    }
    ++place_;
  }

  void digit(P pattern) {
    if (at_ >= n_.digits.size()) return;
    if (n_.digits[at_] == '.') {
      if (!ends_at_point() || t_.fill_mode) out_.push_back('.');
    } else if (last_relevant_ != kNowhere && at_ > last_relevant_ && pattern != P::kZero) {
      // dropped
    } else if (drops_leading_zero()) {
      if (!t_.fill_mode) out_.push_back(' ');
      else if (ends_at_point()) out_.push_back('0');
    } else {
      out_.push_back(n_.digits[at_]);
      in_number_ = true;
    }
    ++at_;
  }

  const NumberTemplate& t_;
  const ShownNumber& n_;
  std::string& out_;
  bool bracket_;
  LocaleSign locale_sign_;
  bool sign_written_ = false, in_number_ = false;
  size_t last_relevant_ = kNowhere;
  size_t at_ = 0;   // in the digits
  int place_ = 0;   // in the format
  Status error_;
  int places_ = 0;
};

constexpr int kRomanWidth = 15;

void append_roman(const NumberTemplate& t, int64_t value, std::string& out) {
  static constexpr std::pair<int, const char*> kParts[] = {
      {1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
      {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
  std::string roman;
  if (value < 1 || value > 3999) roman.assign(kRomanWidth, '#');
  else
    for (const auto& [worth, letters] : kParts)
      for (; value >= worth; value -= worth) roman += letters;
  for (const NumberTemplate::Item& item : t.items) {
    if (item.pattern == P::kLiteral) out += item.literal;
    if (item.pattern != P::kRoman && item.pattern != P::kRomanLower) continue;
    if (!t.fill_mode) out.append(static_cast<size_t>(kRomanWidth) - roman.size(), ' ');
    if (item.pattern == P::kRoman) out += roman;
    else append_lower(roman, out);
  }
}

/// Too large for the format, or a NaN by EEEE.
std::string hashes(int before, int after) {
  std::string text(static_cast<size_t>(before + after) + 1, '#');
  text[static_cast<size_t>(before)] = '.';
  return text;
}

Status append_number(NumberTemplate& t, std::string text, std::string& out) {
  ShownNumber number;
  number.negative = text[0] == '-';
  number.digits = number.negative ? text.substr(1) : std::move(text);
  const auto before = static_cast<int>(std::min(number.digits.find('.'), number.digits.size()));
  if (t.before > before) number.leading = t.before - before;
  else if (before > t.before) number.digits = hashes(t.before, t.after);
  return NumberFormatter(t, number, out).run();
}

void append_not_finite_exponent(const NumberTemplate& t, std::string& out) {
  std::string text(static_cast<size_t>(t.before + t.after) + 6, '#');
  text[0] = ' ';
  text[static_cast<size_t>(t.before) + 1] = '.';
  out += text;
}

/// d.ddde+XX of an exact number.
std::string scientific(const Numeric& value, int digits) {
  const bool negative = value.sign() < 0;
  std::string all = numeric_detail::big_text(value.abs().coefficient());
  int exponent = value.is_zero() ? 0 : static_cast<int>(all.size()) - 1 - value.scale();
  Numeric mantissa;
  if (!value.is_zero()) {
    // As one digit before the point, rounded; a carry makes it two.
    const Result<Numeric> parsed = Numeric::parse(all.substr(0, 1) + "." + all.substr(1) + "0");
    if (parsed.ok()) mantissa = parsed->round(digits);
    if (mantissa >= Numeric::from_int64(10)) {
      mantissa = Numeric::from_int64(1).round(digits);
      ++exponent;
    }
  }
  const Result<Numeric> scaled = mantissa.add(Numeric::from_int128(0, digits));
  char buffer[16];
  snprintf(buffer, sizeof buffer, "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
  return (negative ? "-" : "") + (scaled.ok() ? scaled->text() : mantissa.text()) + buffer;
}

void append_scientific(const Numeric& value, const NumberTemplate& t, std::string& out) {
  if (!value.is_finite()) return append_not_finite_exponent(t, out);
  const std::string text = scientific(value, t.after);
  if (text[0] != '-') out.push_back(' ');
  out += text;
}

Numeric numeric_power_of_ten(int exponent) {
  return *Numeric::parse("1" + std::string(static_cast<size_t>(exponent), '0'));
}

Status check_shift(const NumberTemplate& t) {
  if (t.shift > 1000) return Status(sqlstate::kNumericValueOutOfRange, "value overflows numeric format");
  return Status();
}

Status show_numeric(const Numeric& value, NumberTemplate& t, std::string& out) {
  if (t.roman) {
    ASSIGN_OR_RETURN(const int32_t number, value.to_int32());
    append_roman(t, number, out);
    return Status();
  }
  if (t.exponent) {
    append_scientific(value, t, out);
    return Status();
  }
  Numeric shown = value;
  if (t.multiply) {
    RETURN_IF_ERROR(check_shift(t));
    ASSIGN_OR_RETURN(shown, value.multiply(numeric_power_of_ten(t.shift)));
    t.before += t.shift;
  }
  if (shown.is_finite()) {
    shown = shown.round(t.after);
    ASSIGN_OR_RETURN(shown, shown.add(Numeric::from_int128(0, t.after)));
  }
  return append_number(t, shown.text(), out);
}

template <class T>
Status show_integer(T value, NumberTemplate& t, std::string& out) {
  if (t.roman) {
    if (value > INT32_MAX || value < INT32_MIN) return fault::kIntegerRange.status();
    append_roman(t, static_cast<int64_t>(value), out);
    return Status();
  }
  if (t.exponent) {
    append_scientific(Numeric::from_int64(value), t, out);
    return Status();
  }
  T shown = value;
  if (t.multiply) {
    for (int i = 0; i < t.shift; ++i) {
      if (__builtin_mul_overflow(shown, T{10}, &shown))
        return sizeof(T) == 4 ? fault::kIntegerRange.status() : fault::kBigintRange.status();
    }
    t.before += t.shift;
  }
  std::string text = std::to_string(shown);
  if (t.after > 0) text += "." + std::string(static_cast<size_t>(t.after), '0');
  return append_number(t, std::move(text), out);
}

std::string fixed_text(double value, int digits) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[400];
  snprintf(buffer, sizeof buffer, "%.*f", std::min(digits, 40), value);
  return buffer;
}

Status show_float(double value, int digits, NumberTemplate& t, std::string& out) {
  if (t.roman) {
    const double rounded = std::rint(value);
    append_roman(t, rounded >= 1 && rounded < 4000 ? static_cast<int64_t>(rounded) : 0, out);
    return Status();
  }
  if (t.exponent) {
    if (!std::isfinite(value)) {
      append_not_finite_exponent(t, out);
      return Status();
    }
    char buffer[400];
    snprintf(buffer, sizeof buffer, "%+.*e", std::min(t.after, 300), value);
    if (buffer[0] == '+') buffer[0] = ' ';
    out += buffer;
    return Status();
  }
  if (t.multiply) {
    value *= std::pow(10.0, t.shift);
    if (digits == FLT_DIG) value = static_cast<double>(static_cast<float>(value));
    t.before += t.shift;
  }
  // No more digits than the type has.
  const auto before = static_cast<int>(fixed_text(std::fabs(value), 0).size());
  if (before >= digits) t.after = 0;
  else if (before + t.after > digits) t.after = digits - before;
  return append_number(t, fixed_text(value, t.after), out);
}

/// An empty format is NULL.
template <class T, class Show>
Result<bool> show_value(const T& value, const StringRef& format, StringOut& out, const Show& show) {
  if (format.size == 0) return false;
  ASSIGN_OR_RETURN(NumberTemplate parsed, parse_number_template(format.view()));
  std::string& buffer = out.buffer();
  RETURN_IF_ERROR(show(value, parsed, buffer));
  out.copy(buffer);
  return true;
}

}  // namespace

void register_number_to_char(FunctionCatalog::Builder& builder) {
  builder.builtin("to_char(int4,text)", row_kernel<StringRef, int32_t, StringRef>(
                                            [](int32_t v, const StringRef& f, StringOut& out) {
                                              return show_value(v, f, out, show_integer<int32_t>);
                                            }));
  builder.builtin("to_char(int8,text)", row_kernel<StringRef, int64_t, StringRef>(
                                            [](int64_t v, const StringRef& f, StringOut& out) {
                                              return show_value(v, f, out, show_integer<int64_t>);
                                            }));
  builder.builtin("to_char(float4,text)",
                  row_kernel<StringRef, float, StringRef>([](float v, const StringRef& f, StringOut& out) {
                    return show_value(v, f, out, [](float x, NumberTemplate& t, std::string& text) {
                      return show_float(static_cast<double>(x), FLT_DIG, t, text);
                    });
                  }));
  builder.builtin("to_char(float8,text)",
                  row_kernel<StringRef, double, StringRef>([](double v, const StringRef& f, StringOut& out) {
                    return show_value(v, f, out, [](double x, NumberTemplate& t, std::string& text) {
                      return show_float(x, DBL_DIG, t, text);
                    });
                  }));
  builder.builtin("to_char(numeric,text)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& v, const StringRef& f, StringOut& out) {
                    return show_value(Numeric::from_canonical(v.view()), f, out, show_numeric);
                  }));
}

}  // namespace eventd::engine
