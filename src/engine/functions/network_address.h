// inet and cidr values taken apart. Source of the form: PostgreSQL's inet_send().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eventd::engine {

/// One address with its prefix length. A plain value.
struct NetworkAddress {
  bool v6 = false;
  uint8_t bits = 0;
  uint8_t bytes[16] = {};

  int byte_count() const { return v6 ? 16 : 4; }
  int max_bits() const { return v6 ? 128 : 32; }
  /// Keeps the first `count` bits and sets the others to `ones`.
  void mask(int count, bool ones);
  /// The value as inet or cidr.
  std::string binary(bool cidr) const;
  /// Malformed bytes give 0.0.0.0/0.
  static NetworkAddress read(std::string_view binary);
};

/// True if the first `count` bits are the same.
bool same_prefix(const NetworkAddress& a, const NetworkAddress& b, int count);

}  // namespace eventd::engine
