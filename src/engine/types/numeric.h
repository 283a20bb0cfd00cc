// Exact decimal numbers: PostgreSQL's numeric with its result scales and rounding (half away from
// zero). Source: PostgreSQL 15 src/backend/utils/adt/numeric.c.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/int128.h"
#include "result.h"

namespace eventd::engine {

/// coefficient × 10^-scale, NaN or ±Infinity. Coefficients below 10^37 stay in a machine word pair;
/// larger ones in a big integer. A value type, used by one thread at a time.
class Numeric {
 public:
  using Big = boost::multiprecision::cpp_int;
  /// Digits before and after the point that a value may have (as PostgreSQL).
  static constexpr int kWeightDigitsMax = 131'072, kScaleMax = 16'383;

  Numeric() = default;  ///< 0
  static Numeric nan();
  static Numeric infinity(bool negative);
  static Numeric from_int64(int64_t value);
  /// coefficient × 10^-scale.
  static Numeric from_int128(Int128 coefficient, int scale);
  /// 15 significant digits, as PostgreSQL's cast. float4: 6.
  static Numeric from_double(double value);
  static Numeric from_float(float value);
  /// The exact decimal text of the shortest form (what jsonb shows of a float64).
  static Numeric from_double_shortest(double value);
  /// Input function: spaces, sign, exponent, NaN, Infinity. 22P02, 22003.
  static Result<Numeric> parse(std::string_view text);
  /// From text this class printed (vectors hold such text); garbage gives NaN, never a crash.
  static Numeric from_canonical(std::string_view text);

  /// Canonical decimal text: no exponent, scale kept.
  void append_text(std::string& out) const;
  std::string text() const;

  bool is_nan() const { return kind_ == Kind::kNan; }
  bool is_infinite() const { return kind_ == Kind::kPlusInfinity || kind_ == Kind::kMinusInfinity; }
  bool is_finite() const { return kind_ == Kind::kFinite; }
  bool is_zero() const;
  /// -1, 0, 1; 0 for NaN.
  int sign() const;
  int scale() const { return scale_; }
  /// The coefficient of a finite value.
  Big coefficient() const;

  /// btree order: -Infinity < numbers < Infinity < NaN; 1.0 equals 1.00.
  std::strong_ordering operator<=>(const Numeric& other) const;
  bool operator==(const Numeric& other) const { return (*this <=> other) == 0; }
  /// Equal values hash equal whatever their scale.
  uint64_t hash() const;

  Numeric operator-() const;
  Numeric abs() const;
  // 22003 "value overflows numeric format" where PostgreSQL says so.
  Result<Numeric> add(const Numeric& other) const;
  Result<Numeric> subtract(const Numeric& other) const;
  Result<Numeric> multiply(const Numeric& other) const;
  Result<Numeric> divide(const Numeric& other) const;         ///< 22012
  Result<Numeric> divide(const Numeric& other, int result_scale) const;  ///< rounds to that scale
  Result<Numeric> divide_truncate(const Numeric& other) const;  ///< div(): integer quotient; 22012
  Result<Numeric> modulo(const Numeric& other) const;         ///< sign of the dividend; 22012
  Numeric round(int scale) const;     ///< negative scales round to tens, hundreds …
  Numeric truncate(int scale) const;
  Numeric ceil() const;
  Numeric floor() const;

  /// Rounded half away from zero. 22003 "bigint out of range" etc.; 0A000 "cannot convert NaN …".
  Result<int64_t> to_int64() const;
  Result<int32_t> to_int32() const;
  Result<int16_t> to_int16() const;
  double to_double() const;
  /// Rounds to numeric(p,s)'s scale and checks its precision (22003 "numeric field overflow").
  Result<Numeric> apply_modifier(int32_t modifier) const;

  /// PostgreSQL's binary (wire) form.
  void append_binary(std::string& out) const;
  static Result<Numeric> from_binary(std::string_view bytes);  ///< 22P03

 private:
  enum class Kind : uint8_t { kFinite, kNan, kPlusInfinity, kMinusInfinity };
  static Numeric from_big(Big coefficient, int scale);
  Status check_range() const;
  int digits() const;  // decimal digits of the coefficient, 0 for 0
  Numeric rescaled(int scale) const;  // to a scale not below scale_
  Numeric shrink(int scale, bool round) const;

  Kind kind_ = Kind::kFinite;
  bool is_big_ = false;
  int scale_ = 0;
  Int128 small_ = 0;
  Big big_;
};

/// numeric in canonical text → hash, without building a Numeric where possible.
uint64_t hash_numeric_text(std::string_view canonical);
std::strong_ordering compare_numeric_text(std::string_view a, std::string_view b);

}  // namespace eventd::engine
