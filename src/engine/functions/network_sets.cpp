// << <<= >> >>= && of networks, and arithmetic of addresses: ~ & | + -.
#include <functional>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/network_address.h"
#include "engine/types/int128.h"

namespace eventd::engine {
namespace {

/// b contains a: at least as many bits, equal in those of b.
bool within(const NetworkAddress& a, const NetworkAddress& b, bool strict) {
  if (a.v6 != b.v6) return false;
  if (strict ? a.bits <= b.bits : a.bits < b.bits) return false;
  return same_prefix(a, b, b.bits);
}

template <class Fn>
constexpr Kernel relation_of(Fn) {
  return row_kernel<uint8_t, StringRef, StringRef>([](const StringRef& a, const StringRef& b, uint8_t& out) {
    out = Fn{}(NetworkAddress::read(a.view()), NetworkAddress::read(b.view()));
  });
}

template <class Operation>
Status bytewise(const StringRef& a, const StringRef& b, const char* name, StringOut& out) {
  NetworkAddress left = NetworkAddress::read(a.view());
  const NetworkAddress right = NetworkAddress::read(b.view());
  if (left.v6 != right.v6)
    return Status(sqlstate::kInvalidParameterValue, std::string("cannot ") + name + " inet values of different sizes");
  for (int i = 0; i < left.byte_count(); ++i)
    left.bytes[i] = static_cast<uint8_t>(Operation{}(left.bytes[i], right.bytes[i]));
  left.bits = std::max(left.bits, right.bits);
  out.copy(left.binary(false));
  return Status();
}

Status result_range() { return Status(sqlstate::kNumericValueOutOfRange, "result is out of range"); }

/// address + addend; leaving the family's range is an error.
Status add(NetworkAddress address, int64_t addend, bool negate, StringOut& out) {
  Int128 carry = addend;
  if (negate) carry = -carry;
  for (int i = address.byte_count() - 1; i >= 0; --i) {
    carry += address.bytes[i];
    address.bytes[i] = static_cast<uint8_t>(carry & 0xff);
    carry >>= 8;
  }
  if (carry != 0) return result_range();
  out.copy(address.binary(false));
  return Status();
}

Status subtract(const StringRef& a, const StringRef& b, int64_t& out) {
  const NetworkAddress left = NetworkAddress::read(a.view()), right = NetworkAddress::read(b.view());
  if (left.v6 != right.v6)
    return Status(sqlstate::kInvalidParameterValue, "cannot subtract inet values of different sizes");
  // Byte by byte from the end; what lies above 64 bits may only be the sign.
  uint64_t low = 0;
  int carry = 0;
  bool fits = true;
  const int count = left.byte_count();
  for (int i = 0; i < std::max(count, 8); ++i) {
    const int at = count - 1 - i;
    int digit = at >= 0 ? left.bytes[at] - right.bytes[at] : 0;
    digit += carry;
    carry = digit < 0 ? -1 : 0;
    const auto byte = static_cast<uint8_t>(digit & 0xff);
    if (i < 8) low |= uint64_t{byte} << (8 * i);
    else if (byte != ((low >> 63) != 0 ? 0xff : 0)) fits = false;
  }
  if (!fits || (carry < 0) != ((low >> 63) != 0)) return result_range();
  out = static_cast<int64_t>(low);
  return Status();
}

}  // namespace

void register_network_sets(FunctionCatalog::Builder& builder) {
  using A = NetworkAddress;
  builder.builtin("network_sub(inet,inet)", relation_of([](const A& a, const A& b) { return within(a, b, true); }));
  builder.builtin("network_subeq(inet,inet)", relation_of([](const A& a, const A& b) { return within(a, b, false); }));
  builder.builtin("network_sup(inet,inet)", relation_of([](const A& a, const A& b) { return within(b, a, true); }));
  builder.builtin("network_supeq(inet,inet)", relation_of([](const A& a, const A& b) { return within(b, a, false); }));
  builder.builtin("network_overlap(inet,inet)", relation_of([](const A& a, const A& b) {
                    return a.v6 == b.v6 && same_prefix(a, b, std::min(a.bits, b.bits));
                  }));
  builder.builtin("inet_same_family(inet,inet)", relation_of([](const A& a, const A& b) { return a.v6 == b.v6; }));
  builder.builtin("inetnot(inet)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    NetworkAddress address = NetworkAddress::read(v.view());
                    for (uint8_t& byte : address.bytes) byte = static_cast<uint8_t>(~byte);
                    out.copy(address.binary(false));
                  }));
  builder.builtin("inetand(inet,inet)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) {
                    return bytewise<std::bit_and<unsigned>>(a, b, "AND", out);
                  }));
  builder.builtin("inetor(inet,inet)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) {
                    return bytewise<std::bit_or<unsigned>>(a, b, "OR", out);
                  }));
  builder.builtin("inetpl(inet,int8)", row_kernel<StringRef, StringRef, int64_t>([](const StringRef& v, int64_t n, StringOut& out) {
                    return add(NetworkAddress::read(v.view()), n, false, out);
                  }));
  builder.builtin("int8pl_inet(int8,inet)",
                  row_kernel<StringRef, int64_t, StringRef>([](int64_t n, const StringRef& v, StringOut& out) {
                    return add(NetworkAddress::read(v.view()), n, false, out);
                  }));
  builder.builtin("inetmi_int8(inet,int8)",
                  row_kernel<StringRef, StringRef, int64_t>([](const StringRef& v, int64_t n, StringOut& out) {
                    return add(NetworkAddress::read(v.view()), n, true, out);
                  }));
  builder.builtin("inetmi(inet,inet)",
                  row_kernel<int64_t, StringRef, StringRef>(
                      [](const StringRef& a, const StringRef& b, int64_t& out) { return subtract(a, b, out); }));
}

}  // namespace eventd::engine
