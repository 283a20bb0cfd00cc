// 16-byte GUIDs as stored: Microsoft byte order (first three groups little-endian).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eventd {

/// A GUID in stored (Microsoft) byte order. All zeros = unknown.
struct Guid {
  std::array<uint8_t, 16> bytes{};

  bool is_zero() const { return bytes == std::array<uint8_t, 16>{}; }
  bool operator==(const Guid&) const = default;

  /// The bytes in RFC 4122 order, as PostgreSQL's uuid has them (an involution).
  std::array<uint8_t, 16> rfc_bytes() const;
  static Guid from_rfc_bytes(const std::array<uint8_t, 16>& rfc);
  /// Lower-case `8-4-4-4-12`, RFC text order.
  std::string to_string() const;
  /// Accepts the canonical form, braces, and no hyphens, as PostgreSQL's uuid input does.
  static std::optional<Guid> parse(std::string_view text);
  /// A version-4 GUID from the kernel's random source.
  static Guid random();
};

}  // namespace eventd
