#include "engine/types/big_text.h"

#include <vector>

#include "interrupt.h"

namespace eventd::engine::numeric_detail {
namespace {

// Halves as long as this go to the library.
constexpr size_t kPieceDigits = 1'000;

// Powers of ten with kPieceDigits × 2^i zeros, made as they are needed.
class PiecePowers {
 public:
  const Big& of(size_t i) {
    while (powers_.size() <= i) {
      powers_.push_back(powers_.empty() ? big_power_of_ten(static_cast<int>(kPieceDigits))
                                        : Big(powers_.back() * powers_.back()));
    }
    return powers_[i];
  }

 private:
  std::vector<Big> powers_;
};

// The largest i with kPieceDigits × 2^i < digits. REQUIRES: digits > kPieceDigits.
size_t level_of(size_t digits) {
  size_t level = 0;
  while (kPieceDigits << (level + 1) < digits) ++level;
  return level;
}

Big from_digits(std::string_view digits, PiecePowers& powers) {
  if (digits.size() <= kPieceDigits) {
    // Zeros in front would make it octal.
    const size_t first = digits.find_first_not_of('0');
    return first == digits.npos ? Big(0) : Big(std::string(digits.substr(first)));
  }
  if (is_interrupted()) return Big(0);
  const size_t level = level_of(digits.size());
  const size_t low = kPieceDigits << level;
  const Big high = from_digits(digits.substr(0, digits.size() - low), powers);
  return high * powers.of(level) + from_digits(digits.substr(digits.size() - low), powers);
}

// `value` >= 0, less than 10^width, with zeros in front up to that.
void append_digits(const Big& value, size_t width, PiecePowers& powers, std::string& out) {
  if (width <= kPieceDigits) {
    const std::string text = value.str();
    out.append(width - text.size(), '0').append(text);
    return;
  }
  if (is_interrupted()) {
    out.append(width, '0');
    return;
  }
  const size_t level = level_of(width);
  Big high, low;
  boost::multiprecision::divide_qr(value, powers.of(level), high, low);
  append_digits(high, width - (kPieceDigits << level), powers, out);
  append_digits(low, kPieceDigits << level, powers, out);
}

}  // namespace

Big big_from_digits(std::string_view digits) {
  PiecePowers powers;
  return from_digits(digits, powers);
}

std::string big_text(const Big& value) {
  const auto digits = static_cast<size_t>(big_digits(value));
  if (digits <= kPieceDigits) return value.str();
  PiecePowers powers;
  std::string out = value.sign() < 0 ? "-" : "";
  append_digits(boost::multiprecision::abs(value), digits, powers, out);
  return out;
}

}  // namespace eventd::engine::numeric_detail
