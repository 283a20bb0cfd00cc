// Mathematical functions of float8, with PostgreSQL's domain errors (src/backend/utils/adt/float.c).
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

constexpr Fault kLogOfZero{sqlstate::kInvalidArgumentForLogarithm,
                           "cannot take logarithm of zero"};
constexpr Fault kLogOfNegative{sqlstate::kInvalidArgumentForLogarithm,
                               "cannot take logarithm of a negative number"};
constexpr Fault kRootOfNegative{sqlstate::kInvalidArgumentForPower,
                                "cannot take square root of a negative number"};
constexpr Fault kZeroToNegative{sqlstate::kInvalidArgumentForPower,
                                "zero raised to a negative power is undefined"};
constexpr Fault kComplexPower{
    sqlstate::kInvalidArgumentForPower,
    "a negative number raised to a non-integer power yields a complex result"};

/// A total function: no domain, no overflow.
template <double (*kFunction)(double)>
Kernel total() {
  return row_kernel<double, double>([](double v, double& out) { out = kFunction(v); });
}

template <double (*kLog)(double)>
Kernel logarithm() {
  return row_kernel<double, double>([](double v, double& out) -> const Fault* {
    if (v == 0) return &kLogOfZero;
    if (v < 0) return &kLogOfNegative;
    out = kLog(v);
    return nullptr;
  });
}

/// Finite arguments only (sin, cos, tan …).
template <double (*kFunction)(double)>
Kernel periodic() {
  return row_kernel<double, double>([](double v, double& out) -> const Fault* {
    if (std::isinf(v)) return &fault::kInputRange;
    out = kFunction(v);
    return nullptr;
  });
}

template <double (*kFunction)(double)>
Kernel within_one() {
  return row_kernel<double, double>([](double v, double& out) -> const Fault* {
    if (v < -1 || v > 1) return &fault::kInputRange;
    out = kFunction(v);
    return nullptr;
  });
}

double sign_of(double v) { return v > 0 ? 1.0 : v < 0 ? -1.0 : 0.0; }
double cotangent(double v) { return 1.0 / std::tan(v); }
double to_degrees(double v) { return v / (std::numbers::pi / 180.0); }
double to_radians(double v) { return v * (std::numbers::pi / 180.0); }
// One overload each, to be template arguments.
double round_even(double v) { return std::rint(v); }
double truncate(double v) { return std::trunc(v); }
double ceiling(double v) { return std::ceil(v); }
double floor_of(double v) { return std::floor(v); }
double cube_root(double v) { return std::cbrt(v); }
double natural_log(double v) { return std::log(v); }
double decimal_log(double v) { return std::log10(v); }
double sine(double v) { return std::sin(v); }
double cosine(double v) { return std::cos(v); }
double tangent(double v) { return std::tan(v); }
double arc_sine(double v) { return std::asin(v); }
double arc_cosine(double v) { return std::acos(v); }
double arc_tangent(double v) { return std::atan(v); }
double hyperbolic_sine(double v) { return std::sinh(v); }
double hyperbolic_cosine(double v) { return std::cosh(v); }
double hyperbolic_tangent(double v) { return std::tanh(v); }
double area_sine(double v) { return std::asinh(v); }

const Fault* power(double base, double exponent, double& out) {
  if (std::isnan(base) || std::isnan(exponent)) {
    // 1 ^ NaN and NaN ^ 0 are 1.
    out = base == 1 || exponent == 0 ? 1.0 : std::nan("");
    return nullptr;
  }
  if (base == 0 && exponent < 0) return &kZeroToNegative;
  if (base < 0 && std::floor(exponent) != exponent) return &kComplexPower;
  out = std::pow(base, exponent);
  if (std::isinf(out) && !std::isinf(base) && !std::isinf(exponent)) return &fault::kFloatOverflow;
  if (out == 0 && base != 0 && !std::isinf(base) && !std::isinf(exponent))
    return &fault::kFloatUnderflow;
  return nullptr;
}

const Fault* exponential(double v, double& out) {
  out = std::exp(v);
  if (std::isinf(out) && !std::isinf(v)) return &fault::kFloatOverflow;
  if (out == 0 && !std::isinf(v)) return &fault::kFloatUnderflow;
  return nullptr;
}

/// width_bucket(operand, low, high, count): 0 below, count + 1 above.
Status width_bucket(double operand, double low, double high, int32_t count, int32_t& out) {
  const auto invalid = [](const char* message) {
    return Status(SqlState("2201G"), message);
  };
  if (count <= 0) return invalid("count must be greater than zero");
  if (std::isnan(operand) || std::isnan(low) || std::isnan(high))
    return invalid("operand, lower bound, and upper bound cannot be NaN");
  if (std::isinf(low) || std::isinf(high)) return invalid("lower and upper bounds must be finite");
  if (low == high) return invalid("lower bound cannot equal upper bound");
  const bool rising = low < high;
  const double low_side = rising ? operand - low : low - operand;
  const double width = rising ? high - low : low - high;
  if (rising ? operand < low : operand > low) {
    out = 0;
  } else if (rising ? operand >= high : operand <= high) {
    if (__builtin_add_overflow(count, 1, &out)) return fault::kIntegerRange.status();
  } else {
    const double position = low_side / width * count;
    out = static_cast<int32_t>(position) + 1;
    if (out > count) out = count;
  }
  return Status();
}

template <class T>
const Fault* greatest_divisor(T a, T b, T& out) {
  using Unsigned = std::make_unsigned_t<T>;
  const auto magnitude = [](T v) {
    return v < 0 ? static_cast<Unsigned>(Unsigned{0} - static_cast<Unsigned>(v))
                 : static_cast<Unsigned>(v);
  };
  const Unsigned divisor = std::gcd(magnitude(a), magnitude(b));
  out = static_cast<T>(divisor);
  return out < 0 ? (sizeof(T) == 4 ? &fault::kIntegerRange : &fault::kBigintRange) : nullptr;
}

template <class T>
const Fault* least_multiple(T a, T b, T& out) {
  const Fault* range = sizeof(T) == 4 ? &fault::kIntegerRange : &fault::kBigintRange;
  out = 0;
  if (a == 0 || b == 0) return nullptr;
  T divisor = 0;
  if (const Fault* failed = greatest_divisor(a, b, divisor)) return failed;
  if (__builtin_mul_overflow(static_cast<T>(a / divisor), b, &out)) return range;
  if (out < 0 && __builtin_sub_overflow(T{0}, out, &out)) return range;
  return nullptr;
}

template <class T>
void register_divisors(Builder& builder, const std::string& type) {
  const std::string arguments = "(" + type + "," + type + ")";
  builder.builtin("gcd" + arguments, row_kernel<T, T, T>([](T a, T b, T& out) -> const Fault* {
    return greatest_divisor(a, b, out);
  }));
  builder.builtin("lcm" + arguments, row_kernel<T, T, T>([](T a, T b, T& out) -> const Fault* {
    return least_multiple(a, b, out);
  }));
}

Status pi(const CallFrame& frame, Vector& result) {
  result = Vector::constant(Datum::float8(std::numbers::pi), frame.rows);
  return Status();
}

}  // namespace

void register_float_math(Builder& builder) {
  builder.builtins({"ceil(float8)", "ceiling(float8)"}, total<ceiling>());
  builder.builtin("floor(float8)", total<floor_of>());
  builder.builtins({"round(float8)", "dround(float8)"}, total<round_even>());
  builder.builtins({"trunc(float8)", "dtrunc(float8)"}, total<truncate>());
  builder.builtin("sign(float8)", total<sign_of>());
  builder.builtins({"cbrt(float8)", "dcbrt(float8)"}, total<cube_root>());
  builder.builtin("degrees(float8)", total<to_degrees>());
  builder.builtin("radians(float8)", total<to_radians>());
  builder.builtin("pi()", pi);
  builder.builtins({"sqrt(float8)", "dsqrt(float8)"},
                   row_kernel<double, double>([](double v, double& out) -> const Fault* {
                     if (v < 0) return &kRootOfNegative;
                     out = std::sqrt(v);
                     return nullptr;
                   }));
  builder.builtins({"ln(float8)", "dlog1(float8)"}, logarithm<natural_log>());
  builder.builtins({"log(float8)", "log10(float8)", "dlog10(float8)"}, logarithm<decimal_log>());
  builder.builtins({"exp(float8)", "dexp(float8)"},
                   row_kernel<double, double>([](double v, double& out) -> const Fault* {
                     return exponential(v, out);
                   }));
  builder.builtins({"power(float8,float8)", "pow(float8,float8)", "dpow(float8,float8)"},
                   row_kernel<double, double, double>(
                       [](double a, double b, double& out) -> const Fault* {
                         return power(a, b, out);
                       }));
  builder.builtin("sin(float8)", periodic<sine>());
  builder.builtin("cos(float8)", periodic<cosine>());
  builder.builtin("tan(float8)", periodic<tangent>());
  builder.builtin("cot(float8)", periodic<cotangent>());
  builder.builtin("asin(float8)", within_one<arc_sine>());
  builder.builtin("acos(float8)", within_one<arc_cosine>());
  builder.builtin("atan(float8)", total<arc_tangent>());
  builder.builtin("atan2(float8,float8)",
                  row_kernel<double, double, double>(
                      [](double a, double b, double& out) { out = std::atan2(a, b); }));
  builder.builtin("sinh(float8)", total<hyperbolic_sine>());
  builder.builtin("cosh(float8)", total<hyperbolic_cosine>());
  builder.builtin("tanh(float8)", total<hyperbolic_tangent>());
  builder.builtin("asinh(float8)", total<area_sine>());
  builder.builtin("width_bucket(float8,float8,float8,int4)",
                  row_kernel<int32_t, double, double, double, int32_t>(
                      [](double operand, double low, double high, int32_t count, int32_t& out) {
                        return width_bucket(operand, low, high, count, out);
                      }));
  register_divisors<int32_t>(builder, "int4");
  register_divisors<int64_t>(builder, "int8");
}

}  // namespace eventd::engine
