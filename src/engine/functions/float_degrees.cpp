// Trigonometry in degrees, exact at the angles people know; acosh and atanh.
// The method, dividing by the rounded values at 30, 45 and 60 degrees, is PostgreSQL's float.c.
#include <cmath>
#include <limits>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"

namespace eventd::engine {
namespace {

constexpr double kRadiansPerDegree = 0.0174532925199432957692;
const double kSin30 = std::sin(30 * kRadiansPerDegree), kOneMinusCos60 = 1 - std::cos(60 * kRadiansPerDegree);
const double kAsinHalf = std::asin(0.5), kAcosHalf = std::acos(0.5), kAtanOne = std::atan(1.0);

double sine_to_30(double x) { return std::sin(x * kRadiansPerDegree) / kSin30 / 2; }
double cosine_to_60(double x) { return 1 - (1 - std::cos(x * kRadiansPerDegree)) / kOneMinusCos60 / 2; }
// The first quadrant.
double sine_q1(double x) { return x <= 30 ? sine_to_30(x) : cosine_to_60(90 - x); }
double cosine_q1(double x) { return x <= 60 ? cosine_to_60(x) : sine_to_30(90 - x); }
double arcsine_q1(double x) { return x <= 0.5 ? std::asin(x) / kAsinHalf * 30 : 90 - std::acos(x) / kAcosHalf * 60; }
double arccosine_q1(double x) { return x <= 0.5 ? 90 - std::asin(x) / kAsinHalf * 30 : std::acos(x) / kAcosHalf * 60; }

/// An angle brought into the first quadrant, and what that did to the signs.
struct Folded {
  double angle;
  bool mirrored_zero = false, mirrored_180 = false, mirrored_90 = false;
  explicit Folded(double degrees) : angle(std::fmod(degrees, 360)) {
    if ((mirrored_zero = angle < 0)) angle = -angle;
    if ((mirrored_180 = angle > 180)) angle = 360 - angle;
    if ((mirrored_90 = angle > 90)) angle = 180 - angle;
  }
  double signed_by(bool negative, double value) const { return negative ? -value : value; }
};

double sine_degrees(double x) {
  const Folded f(x);
  return f.signed_by(f.mirrored_zero != f.mirrored_180, sine_q1(f.angle));
}
double cosine_degrees(double x) {
  const Folded f(x);
  return f.signed_by(f.mirrored_90, cosine_q1(f.angle));
}
double tangent_degrees(double x) {
  const Folded f(x);
  const double value = f.signed_by((f.mirrored_zero != f.mirrored_180) != f.mirrored_90,
                                   sine_q1(f.angle) / cosine_q1(f.angle) / (sine_q1(45) / cosine_q1(45)));
  return value == 0 ? 0 : value;
}
double cotangent_degrees(double x) {
  const Folded f(x);
  const double value = f.signed_by((f.mirrored_zero != f.mirrored_180) != f.mirrored_90,
                                   cosine_q1(f.angle) / sine_q1(f.angle) / (cosine_q1(45) / sine_q1(45)));
  return value == 0 ? 0 : value;
}

template <class Fn>
constexpr Kernel angle_kernel(Fn) {
  return row_kernel<double, double>([](double x, double& out) -> const Fault* {
    if (std::isinf(x)) return &fault::kInputRange;
    out = std::isnan(x) ? x : Fn{}(x);
    return nullptr;
  });
}

/// For arguments within [-1, 1].
template <class Fn>
constexpr Kernel arc_kernel(Fn) {
  return row_kernel<double, double>([](double x, double& out) -> const Fault* {
    if (x < -1 || x > 1) return &fault::kInputRange;
    out = std::isnan(x) ? x : Fn{}(x);
    return nullptr;
  });
}

}  // namespace

void register_float_degrees(FunctionCatalog::Builder& builder) {
  builder.builtin("sind(float8)", angle_kernel([](double x) { return sine_degrees(x); }));
  builder.builtin("cosd(float8)", angle_kernel([](double x) { return cosine_degrees(x); }));
  builder.builtin("tand(float8)", angle_kernel([](double x) { return tangent_degrees(x); }));
  builder.builtin("cotd(float8)", angle_kernel([](double x) { return cotangent_degrees(x); }));
  builder.builtin("asind(float8)", arc_kernel([](double x) { return x >= 0 ? arcsine_q1(x) : -arcsine_q1(-x); }));
  builder.builtin("acosd(float8)", arc_kernel([](double x) { return x >= 0 ? arccosine_q1(x) : 90 + arcsine_q1(-x); }));
  builder.builtin("atand(float8)", row_kernel<double, double>([](double x, double& out) { out = std::atan(x) / kAtanOne * 45; }));
  builder.builtin("atan2d(float8,float8)", row_kernel<double, double, double>([](double y, double x, double& out) {
                    out = std::atan2(y, x) / kAtanOne * 45;
                  }));
  builder.builtin("acosh(float8)", row_kernel<double, double>([](double x, double& out) -> const Fault* {
                    if (x < 1) return &fault::kInputRange;
                    out = std::acosh(x);
                    return nullptr;
                  }));
  builder.builtin("atanh(float8)", arc_kernel([](double x) {
                    constexpr double kInfinity = std::numeric_limits<double>::infinity();
                    return x == 1 ? kInfinity : x == -1 ? -kInfinity : std::atanh(x);
                  }));
}

}  // namespace eventd::engine
