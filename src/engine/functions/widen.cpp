#include "engine/functions/widen.h"

#include <array>

namespace eventd::engine {
namespace {

template <class To, class From>
void widen_values(const Vector& from, Vector& to) {
  const From* in = &from.view<From>()[0];
  To* out = to.data<To>();
  for (uint32_t i = 0; i < to.size(); ++i) out[i] = static_cast<To>(in[i]);
}

void widen_flat(const Vector& from, Oid type, Vector& to) {
  if (type == oid::kFloat8) return widen_values<double, float>(from, to);
  const bool is_int2 = physical_of(from.type()) == Physical::kInt16;
  if (type == oid::kInt4) return widen_values<int32_t, int16_t>(from, to);
  return is_int2 ? widen_values<int64_t, int16_t>(from, to)
                 : widen_values<int64_t, int32_t>(from, to);
}

}  // namespace

Vector widened(const Vector& numbers, Oid type) {
  if (physical_of(numbers.type()) == physical_of(type)) return numbers;
  if (numbers.form() == Vector::Form::kDictionary) {
    return numbers.with_dictionary_values(widened(numbers.dictionary_values(), type));
  }
  if (numbers.all_null_constant()) return Vector::null_constant(type, numbers.size());
  const bool constant = numbers.form() == Vector::Form::kConstant;
  Vector wide = Vector::flat(type, constant ? 1 : numbers.size());
  if (wide.size() > 0) widen_flat(numbers, type, wide);
  if (constant) return Vector::repeat(wide, 0, numbers.size());
  for (uint32_t i = 0; i < wide.size(); ++i) {
    if (numbers.is_null(i)) wide.set_null(i);
  }
  return wide;
}

Status call_widened(const CallFrame& frame, Vector& result, Oid type, Kernel kernel) {
  const std::array<Vector, 2> arguments = {widened(frame.arguments[0], type),
                                           widened(frame.arguments[1], type)};
  return kernel({frame.context, arguments, frame.rows, frame.result_type, frame.state}, result);
}

}  // namespace eventd::engine
