// Parts of inet and cidr: host, masklen, network, broadcast …
#include <arpa/inet.h>

#include <cstdio>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/network_address.h"
#include "engine/types/inet_text.h"

namespace eventd::engine {
namespace {

template <class Fn>
constexpr Kernel text_of_address(Fn) {
  return row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
    std::string& buffer = out.buffer();
    Fn{}(value.view(), NetworkAddress::read(value.view()), buffer);
    out.copy(buffer);
  });
}

void append_host(const NetworkAddress& address, std::string& out) {
  char buffer[INET6_ADDRSTRLEN];
  if (inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes, buffer, sizeof buffer) != nullptr) out += buffer;
}

/// The 16-bit words the prefix reaches, at least two; the longest run of zeros as "::".
void append_abbreviated_v6(const NetworkAddress& address, std::string& out) {
  NetworkAddress masked = address;
  masked.mask(address.bits, false);
  int words[8];
  for (int i = 0; i < 8; ++i) words[i] = masked.bytes[2 * i] << 8 | masked.bytes[2 * i + 1];
  const int count = std::max(2, (address.bits + 15) / 16);
  const bool five_zeros = (words[0] | words[1] | words[2] | words[3] | words[4]) == 0;
  if (count > 6 && five_zeros && (words[5] == 0xffff || (words[5] == 0 && words[6] != 0))) {
    append_host(masked, out);  // ends with an IPv4 address, bytes behind the prefix left out
    for (int bits = 128; bits - 8 >= address.bits && out.ends_with(".0"); bits -= 8) out.resize(out.size() - 2);
    return;
  }
  int zero_begin = -1, zero_length = 0;
  for (int i = 0; i < count; ++i) {
    int length = 0;
    while (i + length < count && words[i + length] == 0) ++length;
    if (length > zero_length) {
      zero_begin = i;
      zero_length = length;
    }
  }
  char buffer[16];
  for (int i = 0; i < count; ++i) {
    if (i == zero_begin) {
      out += "::";
      i += zero_length - 1;
      continue;
    }
    const bool after_colon = i == 0 || out.back() == ':';
    snprintf(buffer, sizeof buffer, "%s%x", after_colon ? "" : ":", static_cast<unsigned>(words[i]));
    out += buffer;
  }
}

/// cidr without the zero bytes behind its prefix: "10.1/16".
void append_abbreviated(const NetworkAddress& address, std::string& out) {
  char buffer[16];
  if (!address.v6) {
    const int shown = address.bits == 0 ? 0 : (address.bits + 7) / 8;
    if (shown == 0) out.push_back('0');
    for (int i = 0; i < shown; ++i) {
      snprintf(buffer, sizeof buffer, "%s%u", i > 0 ? "." : "", unsigned{address.bytes[i]});
      out += buffer;
    }
  } else {
    append_abbreviated_v6(address, out);
  }
  snprintf(buffer, sizeof buffer, "/%u", unsigned{address.bits});
  out += buffer;
}

enum class Derived { kNetwork, kBroadcast, kNetmask, kHostmask };

template <Derived kDerived>
Kernel derive() {
  return row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
    NetworkAddress address = NetworkAddress::read(value.view());
    switch (kDerived) {
      case Derived::kNetwork: address.mask(address.bits, false); break;
      case Derived::kBroadcast: address.mask(address.bits, true); break;
      case Derived::kNetmask:
      case Derived::kHostmask:
        address.mask(0, kDerived == Derived::kNetmask);
        address.mask(address.bits, kDerived == Derived::kHostmask);
        address.bits = static_cast<uint8_t>(address.max_bits());
        break;
    }
    out.copy(address.binary(kDerived == Derived::kNetwork));
  });
}

template <bool kCidr>
Status set_masklen(const StringRef& value, int32_t bits, StringOut& out) {
  NetworkAddress address = NetworkAddress::read(value.view());
  if (bits == -1) bits = address.max_bits();
  if (bits < 0 || bits > address.max_bits())
    return Status(sqlstate::kInvalidParameterValue, "invalid mask length: " + std::to_string(bits));
  address.bits = static_cast<uint8_t>(bits);
  if (kCidr) address.mask(bits, false);
  out.copy(address.binary(kCidr));
  return Status();
}

/// The smallest network both lie in.
Status merge(const StringRef& a, const StringRef& b, StringOut& out) {
  NetworkAddress left = NetworkAddress::read(a.view());
  const NetworkAddress right = NetworkAddress::read(b.view());
  if (left.v6 != right.v6)
    return Status(sqlstate::kInvalidParameterValue, "cannot merge addresses from different families");
  int common = std::min(left.bits, right.bits);
  while (common > 0 && !same_prefix(left, right, common)) --common;
  left.bits = static_cast<uint8_t>(common);
  left.mask(common, false);
  out.copy(left.binary(true));
  return Status();
}

}  // namespace

namespace {

// PostgreSQL only takes another view of the value: its binary form has the byte that says cidr from the
// type. Ours lies in the value.
void add_cidr_cast(FunctionCatalog::Builder& builder) {
  ScalarFunction function;
  function.name = "eventd_inet";
  function.arguments = {oid::kCidr};
  function.result = oid::kInet;
  function.volatility = Volatility::kImmutable;
  function.kernel = row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) {
    out.copy(NetworkAddress::read(value.view()).binary(false));
  });
  builder.add_cast({oid::kCidr, oid::kInet, CastContext::kImplicit,
                    builder.add_function(std::move(function))});
}

}  // namespace

void register_network(FunctionCatalog::Builder& builder) {
  builder.builtin("host(inet)", text_of_address([](std::string_view, const NetworkAddress& a, std::string& out) { append_host(a, out); }));
  builder.builtin("text(inet)",
                  text_of_address([](std::string_view v, const NetworkAddress&, std::string& out) { append_inet(v, true, out); }));
  builder.builtin("abbrev(inet)",
                  text_of_address([](std::string_view v, const NetworkAddress&, std::string& out) { append_inet(v, false, out); }));
  builder.builtin("abbrev(cidr)", text_of_address([](std::string_view, const NetworkAddress& a, std::string& out) {
                    append_abbreviated(a, out);
                  }));
  builder.builtin("masklen(inet)", row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
                    out = NetworkAddress::read(v.view()).bits;
                  }));
  builder.builtin("family(inet)", row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
                    out = NetworkAddress::read(v.view()).v6 ? 6 : 4;
                  }));
  builder.builtins({"network(inet)", "cidr(inet)"}, derive<Derived::kNetwork>());
  builder.builtin("broadcast(inet)", derive<Derived::kBroadcast>());
  builder.builtin("netmask(inet)", derive<Derived::kNetmask>());
  builder.builtin("hostmask(inet)", derive<Derived::kHostmask>());
  builder.builtin("set_masklen(inet,int4)", row_kernel<StringRef, StringRef, int32_t>(
                                                [](const StringRef& v, int32_t bits, StringOut& out) { return set_masklen<false>(v, bits, out); }));
  builder.builtin("set_masklen(cidr,int4)", row_kernel<StringRef, StringRef, int32_t>(
                                                [](const StringRef& v, int32_t bits, StringOut& out) { return set_masklen<true>(v, bits, out); }));
  builder.builtin("inet_merge(inet,inet)", row_kernel<StringRef, StringRef, StringRef>(
                                               [](const StringRef& a, const StringRef& b, StringOut& out) { return merge(a, b, out); }));
  add_cidr_cast(builder);
}

}  // namespace eventd::engine
