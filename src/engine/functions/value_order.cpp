#include "engine/functions/function.h"
#include "engine/functions/ordering.h"

namespace eventd::engine {

int compare_values(Oid type, const Vector& a, uint32_t row_a, const Vector& b, uint32_t row_b) {
  return dispatch_order(type, [&](auto order) {
    using Order = decltype(order);
    const auto view_a = a.view<typename Order::Value>();
    const auto view_b = b.view<typename Order::Value>();
    const auto& left = view_a[row_a];
    const auto& right = view_b[row_b];
    if (Order::less(left, right)) return -1;
    return Order::less(right, left) ? 1 : 0;
  });
}

bool values_equal(const Vector& a, uint32_t row_a, const Vector& b, uint32_t row_b) {
  const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
  if (null_a || null_b) return null_a && null_b;
  return dispatch_order(a.type(), [&](auto order) {
    using Order = decltype(order);
    return Order::equal(a.view<typename Order::Value>()[row_a],
                        b.view<typename Order::Value>()[row_b]);
  });
}

std::strong_ordering compare_inet(std::string_view a, std::string_view b) {
  // family, bits, is_cidr, length, address; family first, then the common network bits, then the
  // mask length, then the whole address (network_cmp_internal).
  constexpr size_t kHeader = 4;
  if (a.size() < kHeader || b.size() < kHeader) return a <=> b;
  const auto byte = [](std::string_view v, size_t i) { return static_cast<uint8_t>(v[i]); };
  if (a[0] != b[0]) return byte(a, 0) <=> byte(b, 0);
  const std::string_view address_a = a.substr(kHeader), address_b = b.substr(kHeader);
  if (address_a.size() != address_b.size()) return address_a.size() <=> address_b.size();
  const size_t bits = std::min<size_t>(std::min(byte(a, 1), byte(b, 1)), address_a.size() * 8);
  for (size_t i = 0; i < bits; ++i) {
    const int bit_a = byte(address_a, i / 8) >> (7 - i % 8) & 1;
    const int bit_b = byte(address_b, i / 8) >> (7 - i % 8) & 1;
    if (bit_a != bit_b) return bit_a <=> bit_b;
  }
  if (a[1] != b[1]) return byte(a, 1) <=> byte(b, 1);
  return address_a <=> address_b;
}

}  // namespace eventd::engine
