#include "engine/functions/number_template.h"

#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

struct Keyword {
  std::string_view name;
  NumberPattern pattern;
};
using P = NumberPattern;
// Longer ones first where one begins another. Upper or lower case, not mixed.
constexpr Keyword kKeywords[] = {
    {",", P::kComma},     {".", P::kPoint},      {"0", P::kZero},      {"9", P::kNine},
    {"B", P::kBlank},     {"b", P::kBlank},      {"C", P::kIgnored},   {"c", P::kIgnored},
    {"D", P::kLocalePoint}, {"d", P::kLocalePoint}, {"EEEE", P::kExponent}, {"eeee", P::kExponent},
    {"FM", P::kFill},     {"fm", P::kFill},      {"G", P::kLocaleComma}, {"g", P::kLocaleComma},
    {"L", P::kCurrency},  {"l", P::kCurrency},   {"MI", P::kMinus},    {"mi", P::kMinus},
    {"PL", P::kPlus},     {"pl", P::kPlus},      {"PR", P::kAngle},    {"pr", P::kAngle},
    {"RN", P::kRoman},    {"rn", P::kRomanLower}, {"SG", P::kPlusMinus}, {"sg", P::kPlusMinus},
    {"SP", P::kIgnored},  {"sp", P::kIgnored},   {"S", P::kSign},      {"s", P::kSign},
    {"TH", P::kOrdinal},  {"th", P::kOrdinalLower}, {"V", P::kShift},  {"v", P::kShift},
};

Status exclusive(const char* message) { return Status(sqlstate::kSyntaxError, message); }

/// Adds what one pattern says. PostgreSQL's rules of what may stand together.
class TemplateBuilder {
 public:
  explicit TemplateBuilder(NumberTemplate& t) : t_(t) {}

  Status add(NumberPattern pattern) {
    if (t_.exponent && pattern != P::kExponent)
      return exclusive("\"EEEE\" must be the last pattern used");
    switch (pattern) {
      case P::kNine: return nine();
      case P::kZero: return zero();
      case P::kPoint:
      case P::kLocalePoint: return point();
      case P::kFill: t_.fill_mode = true; return Status();
      case P::kSign: return sign();
      case P::kMinus: return side_sign("MI", true, false);
      case P::kPlus: return side_sign("PL", false, true);
      case P::kPlusMinus: return side_sign("SG", true, true);
      case P::kAngle:
        if (t_.has_locale_sign || t_.plus || t_.minus)
          return exclusive("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
        t_.bracket = true;
        return Status();
      case P::kRoman:
      case P::kRomanLower: t_.roman = true; return Status();
      case P::kShift:
        if (t_.decimal) return exclusive("cannot use \"V\" and decimal point together");
        t_.multiply = true;
        return Status();
      case P::kBlank:
        if (t_.before == 0 && t_.after == 0 && !t_.zero) blank_ = true;
        return Status();
      case P::kExponent: return exponent();
      default: return Status();
    }
  }

 private:
  Status nine() {
    if (t_.bracket) return exclusive("\"9\" must be ahead of \"PR\"");
    if (t_.multiply) ++t_.shift;
    else if (t_.decimal) ++t_.after;
    else ++t_.before;
    return Status();
  }
  Status zero() {
    if (t_.bracket) return exclusive("\"0\" must be ahead of \"PR\"");
    if (!t_.zero && !t_.decimal) {
      t_.zero = true;
      t_.zero_start = t_.before + 1;
    }
    ++(t_.decimal ? t_.after : t_.before);
    t_.zero_end = t_.before + t_.after;
    return Status();
  }
  Status point() {
    if (t_.decimal) return exclusive("multiple decimal points");
    if (t_.multiply) return exclusive("cannot use \"V\" and decimal point together");
    t_.decimal = true;
    return Status();
  }
  Status sign() {
    if (t_.has_locale_sign) return exclusive("cannot use \"S\" twice");
    if (t_.plus || t_.minus || t_.bracket)
      return exclusive("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
    t_.has_locale_sign = true;
    if (t_.decimal) {
      t_.locale_sign = NumberTemplate::LocaleSign::kAfter;
    } else {
      t_.locale_sign = NumberTemplate::LocaleSign::kBefore;
      t_.sign_place = t_.before;
    }
    return Status();
  }
  Status side_sign(const char* name, bool minus, bool plus) {
    if (t_.has_locale_sign)
      return Status(sqlstate::kSyntaxError, std::string("cannot use \"S\" and \"") + name + "\" together");
    t_.minus |= minus;
    t_.plus |= plus;
    return Status();
  }
  Status exponent() {
    if (t_.exponent) return exclusive("cannot use \"EEEE\" twice");
    if (blank_ || t_.fill_mode || t_.has_locale_sign || t_.bracket || t_.minus || t_.plus || t_.roman || t_.multiply) {
      Error error{sqlstate::kSyntaxError, "\"EEEE\" is incompatible with other formats", {}, {}, {}, 0};
      error.detail = "\"EEEE\" may only be used together with digit and decimal point patterns.";
      return Status(std::move(error));
    }
    t_.exponent = true;
    return Status();
  }

  NumberTemplate& t_;
  bool blank_ = false;
};

}  // namespace

Result<NumberTemplate> parse_number_template(std::string_view format) {
  NumberTemplate out;
  TemplateBuilder builder(out);
  size_t at = 0;
  const auto literal = [&] {
    const size_t size = utf8_first_bytes(format.substr(at));
    out.items.push_back({P::kLiteral, format.substr(at, size)});
    at += size;
  };
  while (at < format.size()) {
    const Keyword* found = nullptr;
    for (const Keyword& keyword : kKeywords) {
      if (format.substr(at).starts_with(keyword.name)) {
        found = &keyword;
        break;
      }
    }
    if (found != nullptr) {
      RETURN_IF_ERROR(builder.add(found->pattern));
      out.items.push_back({found->pattern, {}});
      at += found->name.size();
    } else if (format[at] == '"') {
      for (++at; at < format.size() && format[at] != '"';) {
        if (format[at] == '\\' && at + 1 < format.size()) ++at;
        literal();
      }
      ++at;
    } else {
      if (format[at] == '\\' && at + 1 < format.size() && format[at + 1] == '"') ++at;
      literal();
    }
  }
  return out;
}

}  // namespace eventd::engine
