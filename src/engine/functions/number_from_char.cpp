// to_number(text, text).
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/number_template.h"
#include "engine/functions/text_helpers.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using P = NumberPattern;

bool is_plain_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads one text by one format into "[sign]digits.digits".
class NumberScanner {
 public:
  NumberScanner(const NumberTemplate& format, std::string_view text) : t_(format), text_(text) {}

  void run() {
    for (const NumberTemplate::Item& item : t_.items) {
      if (at_end()) break;
      read(item);
    }
    if (!digits_.empty() && digits_.back() == '.') digits_.pop_back();
  }
  std::string number() const { return sign_ + digits_; }
  int fraction_digits() const { return fraction_; }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }
  void skip_character() { at_ += utf8_first_bytes(text_.substr(at_)); }
  void skip_other(int count) {
    while (count-- > 0 && !at_end() && std::string_view("0123456789.,+-").find(peek()) == std::string_view::npos)
      skip_character();
  }

  void read(const NumberTemplate::Item& item) {
    switch (item.pattern) {
      case P::kLiteral: skip_character(); break;
      case P::kNine:
      case P::kZero: place(true); break;
      case P::kPoint:
      case P::kLocalePoint: place(false); break;
      case P::kComma:
      case P::kLocaleComma:
        if (!t_.fill_mode && peek() == ',') ++at_;
        break;
      case P::kCurrency: skip_other(1); break;
      case P::kMinus: sign_alone(peek() == '-'); break;
      case P::kPlus: sign_alone(peek() == '+'); break;
      case P::kPlusMinus: sign_alone(peek() == '-' || peek() == '+'); break;
      case P::kOrdinal:
      case P::kOrdinalLower: skip_other(2); break;
      default: break;
    }
  }

  void sign_alone(bool present) {
    if (!present) return skip_other(1);
    sign_ = peek();
    ++at_;
  }

  void place(bool digit_pattern) {
    if (scan_place(digit_pattern)) ++at_;
  }

  /// True if the character at the position has been read (the caller steps over it in any case but
  /// at the end of the text).
  bool scan_place(bool digit_pattern) {
    bool is_read = false;
    if (peek() == ' ') ++at_;
    if (at_end()) return false;
    if (sign_ == " " && digit_pattern && digits_read() == 0) sign_before();
    if (at_end()) return false;
    if (is_plain_digit(peek())) {
      if (seen_point_ && fraction_ == t_.after) return true;
      digits_.push_back(peek());
      ++(seen_point_ ? fraction_ : whole_);
      is_read = true;
    } else if (t_.decimal && !seen_point_ && peek() == '.') {
      digits_.push_back('.');
      seen_point_ = true;
      is_read = true;
    }
    if (sign_ == " " && digits_read() > 0) sign_after(is_read);
    return true;
  }
  int digits_read() const { return whole_ + fraction_; }

  void sign_before() {
    const bool by_locale = t_.has_locale_sign && t_.locale_sign == NumberTemplate::LocaleSign::kBefore;
    if (peek() == '-' || (!by_locale && t_.bracket && peek() == '<')) {
      sign_ = "-";
      ++at_;
    } else if (peek() == '+') {
      sign_ = "+";
      ++at_;
    }
  }
  // S stands right behind the last digit; MI, PL and SG anywhere.
  void sign_after(bool is_read) {
    if (t_.has_locale_sign) {
      if (!is_read || at_ + 1 >= text_.size() || is_plain_digit(text_[at_ + 1])) return;
      const char next = text_[at_ + 1];
      if (next != '-' && next != '+') return;
      sign_ = next;
      ++at_;
    } else if (!is_read && (t_.plus || t_.minus) && (peek() == '-' || peek() == '+')) {
      sign_ = peek();
    }
  }

  const NumberTemplate& t_;
  const std::string_view text_;
  size_t at_ = 0;
  std::string sign_ = " ", digits_;
  bool seen_point_ = false;
  int whole_ = 0, fraction_ = 0;
};

Result<bool> to_number(const StringRef& text, const StringRef& format, StringOut& out) {
  if (format.size == 0) return false;
  ASSIGN_OR_RETURN(const NumberTemplate t, parse_number_template(format.view()));
  if (t.exponent) return {sqlstate::kFeatureNotSupported, "\"EEEE\" not supported for input"};
  if (t.roman) return {sqlstate::kFeatureNotSupported, "\"RN\" not supported for input"};
  NumberScanner scanner(t, text.view());
  scanner.run();
  ASSIGN_OR_RETURN(Numeric value, Numeric::parse(scanner.number()));
  const int scale = scanner.fraction_digits();
  const int precision = t.before + t.shift + scale;
  ASSIGN_OR_RETURN(value, value.apply_modifier((precision << 16 | scale) + 4));
  if (t.multiply) {
    // PostgreSQL multiplies with power(10, -n), which has 16 digits behind its leading zeros.
    if (t.shift > 1000) return {sqlstate::kNumericValueOutOfRange, "value overflows numeric format"};
    ASSIGN_OR_RETURN(const Numeric factor,
                     Numeric::parse(t.shift == 0 ? std::string("1.0000000000000000")
                                                 : "0." + std::string(static_cast<size_t>(t.shift) - 1, '0') + "1" +
                                                       std::string(t.shift < 16 ? static_cast<size_t>(16 - t.shift) : 0, '0')));
    ASSIGN_OR_RETURN(value, value.multiply(factor));
  }
  std::string& buffer = out.buffer();
  value.append_text(buffer);
  out.copy(buffer);
  return true;
}

}  // namespace

void register_number_from_char(FunctionCatalog::Builder& builder) {
  builder.builtin("to_number(text,text)",
                  row_kernel<StringRef, StringRef, StringRef>(
                      [](const StringRef& text, const StringRef& format, StringOut& out) { return to_number(text, format, out); }));
}

}  // namespace eventd::engine
