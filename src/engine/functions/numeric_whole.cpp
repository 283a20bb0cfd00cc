// numeric: gcd, lcm, factorial, scales, width_bucket.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/types/big_text.h"
#include "engine/types/numeric.h"

namespace eventd::engine {
namespace {

using Big = Numeric::Big;

Numeric read_numeric(const StringRef& value) { return Numeric::from_canonical(value.view()); }
void write_numeric(const Numeric& value, StringOut& out) {
  std::string& text = out.buffer();
  value.append_text(text);
  out.copy(text);
}

Big big_power_of_ten(int exponent) { return boost::multiprecision::pow(Big(10), static_cast<unsigned>(exponent)); }

/// Both as whole numbers of the finer scale.
struct Aligned {
  int scale;
  Big a, b;
  Aligned(const Numeric& x, const Numeric& y)
      : scale(std::max(x.scale(), y.scale())),
        a(x.abs().coefficient() * big_power_of_ten(scale - x.scale())),
        b(y.abs().coefficient() * big_power_of_ten(scale - y.scale())) {}
};

/// coefficient × 10^-scale.
Result<Numeric> scaled(const Big& coefficient, int scale) {
  std::string digits = numeric_detail::big_text(coefficient);
  if (scale > 0) {
    if (digits.size() <= static_cast<size_t>(scale)) digits.insert(0, static_cast<size_t>(scale) + 1 - digits.size(), '0');
    digits.insert(digits.size() - static_cast<size_t>(scale), ".");
  }
  return Numeric::parse(digits);
}

Result<Numeric> common_divisor(const Numeric& x, const Numeric& y) {
  if (!x.is_finite() || !y.is_finite()) return Numeric::nan();
  const Aligned aligned(x, y);
  return scaled(boost::multiprecision::gcd(aligned.a, aligned.b), aligned.scale);
}

Result<Numeric> common_multiple(const Numeric& x, const Numeric& y) {
  if (!x.is_finite() || !y.is_finite()) return Numeric::nan();
  const Aligned aligned(x, y);
  if (aligned.a == 0 || aligned.b == 0) return scaled(Big(0), aligned.scale);
  return scaled(aligned.a / boost::multiprecision::gcd(aligned.a, aligned.b) * aligned.b, aligned.scale);
}

Result<Numeric> factorial(const CallFrame& frame, int64_t n) {
  constexpr int64_t kFactorialMax = 32'177;
  if (n < 0) return {sqlstate::kNumericValueOutOfRange, "factorial of a negative number is undefined"};
  if (n > kFactorialMax) return {sqlstate::kNumericValueOutOfRange, "value overflows numeric format"};
  Big product = 1;
  for (int64_t i = 2; i <= n; ++i) {
    if ((i & 255) == 0 && frame.context.cancel != nullptr) RETURN_IF_ERROR(frame.context.cancel->check());
    product *= i;
  }
  return Numeric::parse(numeric_detail::big_text(product));
}

/// Digits behind the point up to the last that is not 0.
int minimal_scale(const Numeric& value) {
  if (value.is_zero()) return 0;
  const std::string text = value.text();
  const size_t point = text.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(text.find_last_not_of('0') - point);
}

Status bucket_error(const char* message) { return Status(SqlState{"2201G"}, message); }

Status numeric_width_bucket(const Numeric& operand, const Numeric& low, const Numeric& high, int32_t count, int32_t& out) {
  if (count <= 0) return bucket_error("count must be greater than zero");
  if (operand.is_nan() || low.is_nan() || high.is_nan())
    return bucket_error("operand, lower bound, and upper bound cannot be NaN");
  if (low.is_infinite() || high.is_infinite()) return bucket_error("lower and upper bounds must be finite");
  const bool rising = low < high;
  if (low == high) return bucket_error("lower bound cannot equal upper bound");
  if (rising ? operand < low : operand > low) {
    out = 0;
    return Status();
  }
  if (rising ? operand >= high : operand <= high) {
    if (__builtin_add_overflow(count, 1, &out)) return fault::kIntegerRange.status();
    return Status();
  }
  ASSIGN_OR_RETURN(const Numeric distance, rising ? operand.subtract(low) : low.subtract(operand));
  ASSIGN_OR_RETURN(const Numeric width, rising ? high.subtract(low) : low.subtract(high));
  ASSIGN_OR_RETURN(const Numeric scaled_distance, distance.multiply(Numeric::from_int64(count)));
  ASSIGN_OR_RETURN(const Numeric bucket, scaled_distance.divide_truncate(width));
  ASSIGN_OR_RETURN(const int32_t index, bucket.to_int32());
  out = index + 1;
  return Status();
}

}  // namespace

void register_numeric_whole(FunctionCatalog::Builder& builder) {
  builder.builtin("gcd(numeric,numeric)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric value, common_divisor(read_numeric(a), read_numeric(b)));
                    write_numeric(value, out);
                    return Status();
                  }));
  builder.builtin("lcm(numeric,numeric)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric value, common_multiple(read_numeric(a), read_numeric(b)));
                    write_numeric(value, out);
                    return Status();
                  }));
  builder.builtin("factorial(int8)",
                  row_kernel<StringRef, int64_t>([](const CallFrame& frame, int64_t n, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric value, factorial(frame, n));
                    write_numeric(value, out);
                    return Status();
                  }));
  builder.builtin("min_scale(numeric)", row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) {
                    const Numeric value = read_numeric(v);
                    if (!value.is_finite()) return false;
                    out = minimal_scale(value);
                    return true;
                  }));
  builder.builtin("trim_scale(numeric)", row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) {
                    const Numeric value = read_numeric(v);
                    write_numeric(value.is_finite() ? value.truncate(minimal_scale(value)) : value, out);
                  }));
  builder.builtin("numeric_div_trunc(numeric,numeric)",
                  row_kernel<StringRef, StringRef, StringRef>([](const StringRef& a, const StringRef& b, StringOut& out) -> Status {
                    ASSIGN_OR_RETURN(const Numeric value, read_numeric(a).divide_truncate(read_numeric(b)));
                    write_numeric(value, out);
                    return Status();
                  }));
  builder.builtin("width_bucket(numeric,numeric,numeric,int4)",
                  row_kernel<int32_t, StringRef, StringRef, StringRef, int32_t>(
                      [](const StringRef& operand, const StringRef& low, const StringRef& high, int32_t count, int32_t& out) {
                        return numeric_width_bucket(read_numeric(operand), read_numeric(low), read_numeric(high), count, out);
                      }));
}

}  // namespace eventd::engine
