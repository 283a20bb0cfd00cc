#include "engine/functions/bit_functions.h"

#include <algorithm>
#include <string>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/types/bit_string.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

char and_bits(char a, char b) { return a == '1' && b == '1' ? '1' : '0'; }
char or_bits(char a, char b) { return a == '1' || b == '1' ? '1' : '0'; }
char xor_bits(char a, char b) { return a != b ? '1' : '0'; }

Status different_sizes(const char* what) {
  return {kBitLengthMismatch,
          std::string("cannot ") + what + " bit strings of different sizes"};
}

template <char (*kCombine)(char, char)>
Status combine_bits(const char* what, std::string_view a, std::string_view b, std::string& out) {
  if (a.size() != b.size()) return different_sizes(what);
  out.resize(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = kCombine(a[i], b[i]);
  return {};
}

/// Positive `by`: to the left.
void shift_bits(std::string_view bits, int64_t by, std::string& out) {
  const auto size = static_cast<int64_t>(bits.size());
  const int64_t distance = std::clamp<int64_t>(by, -size, size);
  const auto zeros = static_cast<size_t>(std::abs(distance));
  if (distance < 0) out.append(zeros, '0');
  out += bits.substr(distance > 0 ? zeros : 0, bits.size() - zeros);
  if (distance > 0) out.append(zeros, '0');
}

/// Bits `start` (from 1) to before `end`, as far as they are there.
std::string_view bits_between(std::string_view bits, int64_t start, int64_t end) {
  start = std::max<int64_t>(start, 1);
  end = std::min<int64_t>(end, static_cast<int64_t>(bits.size()) + 1);
  if (end <= start) return {};
  return bits.substr(static_cast<size_t>(start - 1), static_cast<size_t>(end - start));
}

Status negative_length() { return {sqlstate::kSubstringError, "negative substring length not allowed"}; }

Status overlay_bits(std::string_view bits, std::string_view placed, int32_t start, int64_t length, StringOut& out) {
  if (start <= 0) return negative_length();
  const int64_t resume = int64_t{start} + length;
  if (resume > INT32_MAX) return fault::kIntegerRange.status();
  std::string& buffer = out.buffer();
  buffer += bits_between(bits, 1, start);
  buffer += placed;
  buffer += bits_between(bits, resume, INT64_MAX);
  out.copy(buffer);
  return {};
}

Status bit_index_error(int32_t index, size_t size) {
  return {sqlstate::kArraySubscriptError, "bit index " + std::to_string(index) + " out of valid range (0.." +
                                              std::to_string(static_cast<int64_t>(size) - 1) + ")"};
}

/// The lowest `length` bits of a number, the sign before them where it has fewer.
void bits_of_number(int64_t value, int32_t length, std::string& out) {
  if (length <= 0 || length > kBitLengthMax) length = 1;
  for (int32_t bit = length - 1; bit >= 0; --bit) out.push_back((value >> std::min(bit, 63) & 1) != 0 ? '1' : '0');
}

template <class T>
Status number_of_bits(std::string_view bits, T& out) {
  if (bits.size() > sizeof(T) * 8) {
    return {sqlstate::kNumericValueOutOfRange, sizeof(T) == 4 ? "integer out of range" : "bigint out of range"};
  }
  uint64_t value = 0;
  for (const char bit : bits) value = value << 1 | (bit == '1' ? 1 : 0);
  out = static_cast<T>(value);
  return {};
}

template <Oid kType>
Status fit_length(const StringRef& bits, int32_t length, uint8_t is_explicit, StringOut& out) {
  const auto wanted = static_cast<size_t>(std::max(length, 0));
  const bool fits = kType == oid::kBit ? bits.size == wanted : bits.size <= wanted;
  if (length <= 0 || length > kBitLengthMax || fits) {
    out.copy(bits.view());
    return {};
  }
  if (is_explicit == 0) return check_bit_length({kType, length}, bits.size);
  std::string& buffer = out.buffer();
  buffer = bits.view();
  buffer.resize(wanted, '0');
  out.copy(buffer);
  return {};
}

void register_operators(Builder& b) {
  b.builtin("bitand(bit,bit)", row_kernel<StringRef, StringRef, StringRef>([](const StringRef& x, const StringRef& y, StringOut& o) -> Status {
              std::string& buffer = o.buffer();
              RETURN_IF_ERROR(combine_bits<and_bits>("AND", x.view(), y.view(), buffer));
              o.copy(buffer);
              return {};
            }));
  b.builtin("bitor(bit,bit)", row_kernel<StringRef, StringRef, StringRef>([](const StringRef& x, const StringRef& y, StringOut& o) -> Status {
              std::string& buffer = o.buffer();
              RETURN_IF_ERROR(combine_bits<or_bits>("OR", x.view(), y.view(), buffer));
              o.copy(buffer);
              return {};
            }));
  b.builtin("bitxor(bit,bit)", row_kernel<StringRef, StringRef, StringRef>([](const StringRef& x, const StringRef& y, StringOut& o) -> Status {
              std::string& buffer = o.buffer();
              RETURN_IF_ERROR(combine_bits<xor_bits>("XOR", x.view(), y.view(), buffer));
              o.copy(buffer);
              return {};
            }));
  b.builtin("bitnot(bit)", row_kernel<StringRef, StringRef>([](const StringRef& x, StringOut& o) {
              std::string& buffer = o.buffer();
              for (const char bit : x.view()) buffer.push_back(bit == '1' ? '0' : '1');
              o.copy(buffer);
            }));
  b.builtin("bitshiftleft(bit,int4)", row_kernel<StringRef, StringRef, int32_t>([](const StringRef& x, int32_t by, StringOut& o) {
              std::string& buffer = o.buffer();
              shift_bits(x.view(), by, buffer);
              o.copy(buffer);
            }));
  b.builtin("bitshiftright(bit,int4)", row_kernel<StringRef, StringRef, int32_t>([](const StringRef& x, int32_t by, StringOut& o) {
              std::string& buffer = o.buffer();
              shift_bits(x.view(), -int64_t{by}, buffer);
              o.copy(buffer);
            }));
  b.builtin("bitcat(varbit,varbit)", row_kernel<StringRef, StringRef, StringRef>([](const StringRef& x, const StringRef& y, StringOut& o) -> Status {
              if (x.size + size_t{y.size} > static_cast<size_t>(kBitLengthMax)) return fault::kRequestedLength.status();
              std::string& buffer = o.buffer();
              buffer.append(x.view()).append(y.view());
              o.copy(buffer);
              return {};
            }));
}

void register_parts(Builder& b) {
  b.builtins({"length(bit)", "bit_length(bit)"}, row_kernel<int32_t, StringRef>([](const StringRef& x, int32_t& o) { o = static_cast<int32_t>(x.size); }));
  b.builtin("octet_length(bit)", row_kernel<int32_t, StringRef>([](const StringRef& x, int32_t& o) { o = static_cast<int32_t>((x.size + 7) / 8); }));
  b.builtin("bit_count(bit)", row_kernel<int64_t, StringRef>([](const StringRef& x, int64_t& o) {
              const std::string_view bits = x.view();
              o = std::count(bits.begin(), bits.end(), '1');
            }));
  b.builtin("substring(bit,int4)", row_kernel<StringRef, StringRef, int32_t>([](const StringRef& x, int32_t start, StringOut& o) {
              o.copy(bits_between(x.view(), start, INT64_MAX));
            }));
  b.builtin("substring(bit,int4,int4)", row_kernel<StringRef, StringRef, int32_t, int32_t>([](const StringRef& x, int32_t start, int32_t length, StringOut& o) -> Status {
              if (length < 0) return negative_length();
              o.copy(bits_between(x.view(), start, int64_t{start} + length));
              return {};
            }));
  b.builtin("overlay(bit,bit,int4,int4)", row_kernel<StringRef, StringRef, StringRef, int32_t, int32_t>([](const StringRef& x, const StringRef& y, int32_t start, int32_t length, StringOut& o) -> Status {
              return overlay_bits(x.view(), y.view(), start, length, o);
            }));
  b.builtin("overlay(bit,bit,int4)", row_kernel<StringRef, StringRef, StringRef, int32_t>([](const StringRef& x, const StringRef& y, int32_t start, StringOut& o) -> Status {
              return overlay_bits(x.view(), y.view(), start, y.size, o);
            }));
  b.builtin("position(bit,bit)", row_kernel<int32_t, StringRef, StringRef>([](const StringRef& x, const StringRef& wanted, int32_t& o) {
              const size_t at = x.size == 0 ? std::string_view::npos : x.view().find(wanted.view());
              o = at == std::string_view::npos ? 0 : static_cast<int32_t>(at) + 1;
            }));
  b.builtin("get_bit(bit,int4)", row_kernel<int32_t, StringRef, int32_t>([](const StringRef& x, int32_t index, int32_t& o) -> Status {
              if (index < 0 || static_cast<size_t>(index) >= x.size) return bit_index_error(index, x.size);
              o = x.view()[static_cast<size_t>(index)] == '1' ? 1 : 0;
              return {};
            }));
  b.builtin("set_bit(bit,int4,int4)", row_kernel<StringRef, StringRef, int32_t, int32_t>([](const StringRef& x, int32_t index, int32_t value, StringOut& o) -> Status {
              if (index < 0 || static_cast<size_t>(index) >= x.size) return bit_index_error(index, x.size);
              if (value != 0 && value != 1) return {sqlstate::kInvalidParameterValue, "new bit must be 0 or 1"};
              std::string& buffer = o.buffer();
              buffer = x.view();
              buffer[static_cast<size_t>(index)] = value == 1 ? '1' : '0';
              o.copy(buffer);
              return {};
            }));
}

void register_bit_casts(Builder& b) {
  b.builtin("bit(bit,int4,bool)", row_kernel<StringRef, StringRef, int32_t, uint8_t>([](const StringRef& x, int32_t length, uint8_t is_explicit, StringOut& o) -> Status {
              return fit_length<oid::kBit>(x, length, is_explicit, o);
            }));
  b.builtin("varbit(varbit,int4,bool)", row_kernel<StringRef, StringRef, int32_t, uint8_t>([](const StringRef& x, int32_t length, uint8_t is_explicit, StringOut& o) -> Status {
              return fit_length<oid::kVarbit>(x, length, is_explicit, o);
            }));
  b.builtin("bit(int4,int4)", row_kernel<StringRef, int32_t, int32_t>([](int32_t value, int32_t length, StringOut& o) {
              std::string& buffer = o.buffer();
              bits_of_number(value, length, buffer);
              o.copy(buffer);
            }));
  b.builtin("bit(int8,int4)", row_kernel<StringRef, int64_t, int32_t>([](int64_t value, int32_t length, StringOut& o) {
              std::string& buffer = o.buffer();
              bits_of_number(value, length, buffer);
              o.copy(buffer);
            }));
  b.builtin("int4(bit)", row_kernel<int32_t, StringRef>([](const StringRef& x, int32_t& o) -> Status { return number_of_bits(x.view(), o); }));
  b.builtin("int8(bit)", row_kernel<int64_t, StringRef>([](const StringRef& x, int64_t& o) -> Status { return number_of_bits(x.view(), o); }));
}

// --- bit_and, bit_or, bit_xor ---

struct AndBits {
  static constexpr const char* kName = "AND";
  static constexpr auto kCombine = and_bits;
};
struct OrBits {
  static constexpr const char* kName = "OR";
  static constexpr auto kCombine = or_bits;
};
struct XorBits {
  static constexpr const char* kName = "XOR";
  static constexpr auto kCombine = xor_bits;
};

template <class Op>
struct BitFold {
  struct State {
    std::string bits;
    bool any = false;
  };
  using Input = StringRef;
  static Status add(State& state, const StringRef& value) { return fold(state, value.view()); }
  static Status combine(State& into, State& from) {
    return from.any ? fold(into, from.bits) : Status();
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.any) {
      result.set_string(row, state.bits);
    } else {
      result.set_null(row);
    }
    return {};
  }
  static size_t memory_bytes(const State& state) { return state.bits.capacity(); }

 private:
  static Status fold(State& state, std::string_view bits) {
    if (!state.any) {
      state.bits = bits;
      state.any = true;
      return {};
    }
    if (state.bits.size() != bits.size()) return different_sizes(Op::kName);
    for (size_t i = 0; i < bits.size(); ++i) state.bits[i] = Op::kCombine(state.bits[i], bits[i]);
    return {};
  }
};

}  // namespace

void register_bit_strings(Builder& builder) {
  register_operators(builder);
  register_parts(builder);
  register_bit_casts(builder);
  builder.builtin_aggregate("bit_and(bit)", aggregate_of<BitFold<AndBits>>());
  builder.builtin_aggregate("bit_or(bit)", aggregate_of<BitFold<OrBits>>());
  builder.builtin_aggregate("bit_xor(bit)", aggregate_of<BitFold<XorBits>>());
}

}  // namespace eventd::engine
