// One SQL value outside a vector: constants, parameters, bounds of a scan.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "engine/types/type.h"

namespace eventd::engine {

/// 16 bytes of a uuid in RFC order.
struct UuidValue {
  uint8_t bytes[16] = {};
  bool operator==(const UuidValue&) const = default;
};

/// A typed value or NULL. Owns its bytes. The alternative follows physical_of(type):
/// bool | int16 | int32 | int64 | float | double | UuidValue | IntervalValue | TimetzValue | string.
class Datum {
 public:
  using Value = std::variant<std::monostate, bool, int16_t, int32_t, int64_t, float, double,
                             UuidValue, IntervalValue, TimetzValue, std::string>;

  Datum() = default;
  static Datum null(Oid type) { return Datum(type, std::monostate{}); }
  Datum(Oid type, Value value) : type_(type), value_(std::move(value)) {}

  static Datum boolean(bool v) { return {oid::kBool, v}; }
  static Datum int4(int32_t v) { return {oid::kInt4, v}; }
  static Datum int8(int64_t v) { return {oid::kInt8, v}; }
  static Datum float8(double v) { return {oid::kFloat8, v}; }
  static Datum text(std::string v) { return {oid::kText, std::move(v)}; }

  Oid type() const { return type_; }
  void set_type(Oid type) { type_ = type; }
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  const Value& value() const { return value_; }
  /// REQUIRES: the alternative is T.
  template <class T>
  const T& as() const {
    return std::get<T>(value_);
  }
  std::string_view bytes() const { return std::get<std::string>(value_); }
  bool operator==(const Datum&) const = default;

 private:
  Oid type_ = oid::kUnknown;
  Value value_;
};

}  // namespace eventd::engine
