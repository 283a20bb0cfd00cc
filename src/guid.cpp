#include "guid.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

namespace eventd {
namespace {

// Byte i of RFC order is byte kSwap[i] of Microsoft order, and the other way round.
constexpr std::array<uint8_t, 16> kSwap = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

std::array<uint8_t, 16> swapped(const std::array<uint8_t, 16>& in) {
  std::array<uint8_t, 16> out{};
  for (size_t i = 0; i < 16; ++i) out[i] = in[kSwap[i]];
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::array<uint8_t, 16> Guid::rfc_bytes() const { return swapped(bytes); }

Guid Guid::from_rfc_bytes(const std::array<uint8_t, 16>& rfc) { return Guid{swapped(rfc)}; }

std::string Guid::to_string() const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  const auto rfc = rfc_bytes();
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kHex[rfc[i] >> 4];
    text += kHex[rfc[i] & 15];
  }
  return text;
}

std::optional<Guid> Guid::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}') {
    text = text.substr(1, text.size() - 2);
  }
  std::array<uint8_t, 16> rfc{};
  size_t at = 0;
  for (size_t i = 0; i < 16; ++i) {
    // PostgreSQL allows a hyphen after any group of four digits.
    if (i > 0 && i % 2 == 0 && at < text.size() && text[at] == '-') ++at;
    if (at + 2 > text.size()) return std::nullopt;
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    rfc[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  if (at != text.size()) return std::nullopt;
  return from_rfc_bytes(rfc);
}

Guid Guid::random() {
  std::array<uint8_t, 16> rfc{};
  // 16 bytes never come back short once the pool is initialised; failure means no kernel source.
  if (::getrandom(rfc.data(), rfc.size(), 0) != static_cast<ssize_t>(rfc.size())) std::abort();
  rfc[6] = static_cast<uint8_t>((rfc[6] & 0x0f) | 0x40);
  rfc[8] = static_cast<uint8_t>((rfc[8] & 0x3f) | 0x80);
  return from_rfc_bytes(rfc);
}

}  // namespace eventd
