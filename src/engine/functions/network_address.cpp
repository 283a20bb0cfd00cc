#include "engine/functions/network_address.h"

#include <cstring>

namespace eventd::engine {
namespace {
constexpr char kFamilyV4 = 2, kFamilyV6 = 3;
}

void NetworkAddress::mask(int count, bool ones) {
  for (int i = 0; i < byte_count(); ++i) {
    const int kept = count - i * 8;
    const auto host = static_cast<uint8_t>(kept >= 8 ? 0 : kept <= 0 ? 0xff : 0xff >> kept);
    bytes[i] = static_cast<uint8_t>(ones ? bytes[i] | host : bytes[i] & ~host);
  }
}

std::string NetworkAddress::binary(bool cidr) const {
  std::string out{v6 ? kFamilyV6 : kFamilyV4, static_cast<char>(bits), static_cast<char>(cidr ? 1 : 0),
                  static_cast<char>(byte_count())};
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(byte_count()));
  return out;
}

NetworkAddress NetworkAddress::read(std::string_view binary) {
  NetworkAddress out;
  if (binary.size() < 4) return out;
  out.v6 = binary[0] == kFamilyV6;
  if (binary.size() != 4 + static_cast<size_t>(out.byte_count())) return NetworkAddress{};
  out.bits = static_cast<uint8_t>(binary[1]);
  std::memcpy(out.bytes, binary.data() + 4, static_cast<size_t>(out.byte_count()));
  return out;
}

bool same_prefix(const NetworkAddress& a, const NetworkAddress& b, int count) {
  const int whole = count / 8, rest = count % 8;
  if (std::memcmp(a.bytes, b.bytes, static_cast<size_t>(whole)) != 0) return false;
  return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

}  // namespace eventd::engine
