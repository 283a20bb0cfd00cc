// + - * / % and the bit operators of the integer and float types, PostgreSQL's mixed ones included.
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/widen.h"

namespace eventd::engine {
namespace {

template <class T>
inline constexpr const Fault* kArithmeticRangeFault = sizeof(T) == 2   ? &fault::kSmallintRange
                                            : sizeof(T) == 4 ? &fault::kIntegerRange
                                                             : &fault::kBigintRange;

struct Plus {
  template <class L, class R, class Out>
  static const Fault* apply(L a, R b, Out& out) {
    return __builtin_add_overflow(a, b, &out) ? kArithmeticRangeFault<Out> : nullptr;
  }
};
struct Minus {
  template <class L, class R, class Out>
  static const Fault* apply(L a, R b, Out& out) {
    return __builtin_sub_overflow(a, b, &out) ? kArithmeticRangeFault<Out> : nullptr;
  }
};
struct Times {
  template <class L, class R, class Out>
  static const Fault* apply(L a, R b, Out& out) {
    return __builtin_mul_overflow(a, b, &out) ? kArithmeticRangeFault<Out> : nullptr;
  }
};
struct DivideIntegers {
  template <class L, class R, class Out>
  static const Fault* apply(L a, R b, Out& out) {
    if (b == 0) return &fault::kDivisionByZero;
    if (b == -1) return __builtin_sub_overflow(Out{0}, a, &out) ? kArithmeticRangeFault<Out> : nullptr;
    out = static_cast<Out>(Out{a} / Out{b});
    return nullptr;
  }
};
struct ModuloIntegers {
  template <class L, class R, class Out>
  static const Fault* apply(L a, R b, Out& out) {
    if (b == 0) return &fault::kDivisionByZero;
    out = b == -1 ? Out{0} : static_cast<Out>(Out{a} % Out{b});
    return nullptr;
  }
};

template <class Op, class T>
Status operate(const CallFrame& frame, Vector& result) {
  return map_rows<T, T, T>(frame, result, [](T a, T b, T& out) -> const Fault* {
    return Op::apply(a, b, out);
  });
}

/// The same for mixed arguments, widened first to kType, whose values are T.
template <class Op, class T, Oid kType>
Status operate_widened(const CallFrame& frame, Vector& result) {
  return call_widened(frame, result, kType, operate<Op, T>);
}

/// The four operators of one type; `prefix` is e.g. "int4".
using FourKernels = std::array<Kernel, 4>;
void register_four(FunctionCatalog::Builder& builder, const std::string& prefix,
                   const std::string& arguments, const FourKernels& kernels) {
  static constexpr const char* kNames[] = {"pl", "mi", "mul", "div"};
  for (size_t i = 0; i < kernels.size(); ++i) {
    builder.builtin(prefix + kNames[i] + arguments, kernels[i]);
  }
}

template <class T>
constexpr FourKernels kIntegerKernels = {operate<Plus, T>, operate<Minus, T>, operate<Times, T>,
                                         operate<DivideIntegers, T>};
template <class T, Oid kType>
constexpr FourKernels kMixedIntegerKernels = {
    operate_widened<Plus, T, kType>, operate_widened<Minus, T, kType>,
    operate_widened<Times, T, kType>, operate_widened<DivideIntegers, T, kType>};

template <class T>
void register_integer_type(FunctionCatalog::Builder& builder, const std::string& name) {
  const std::string one = "(" + name + ")", two = "(" + name + "," + name + ")";
  register_four(builder, name, two, kIntegerKernels<T>);
  for (const std::string& modulo : {name + "mod" + two, "mod" + two})
    builder.builtin(modulo, operate<ModuloIntegers, T>);
  builder.builtin(name + "um" + one, row_kernel<T, T>([](T a, T& out) -> const Fault* {
    return __builtin_sub_overflow(T{0}, a, &out) ? kArithmeticRangeFault<T> : nullptr;
  }));
  builder.builtin(name + "up" + one, row_kernel<T, T>([](T a, T& out) { out = a; }));
  for (const std::string& abs : {name + "abs" + one, "abs" + one}) {
    builder.builtin(abs, row_kernel<T, T>([](T a, T& out) -> const Fault* {
      if (a >= 0) {
        out = a;
        return nullptr;
      }
      return __builtin_sub_overflow(T{0}, a, &out) ? kArithmeticRangeFault<T> : nullptr;
    }));
  }
  builder.builtin(name + "and" + two, row_kernel<T, T, T>([](T a, T b, T& out) {
    out = static_cast<T>(a & b);
  }));
  builder.builtin(name + "or" + two, row_kernel<T, T, T>([](T a, T b, T& out) {
    out = static_cast<T>(a | b);
  }));
  builder.builtin(name + "xor" + two, row_kernel<T, T, T>([](T a, T b, T& out) {
    out = static_cast<T>(a ^ b);
  }));
  builder.builtin(name + "not" + one, row_kernel<T, T>([](T a, T& out) {
    out = static_cast<T>(~a);
  }));
  // As x86 shifts, which PostgreSQL inherits: the count modulo the width of the (promoted) value.
  const std::string shift = "(" + name + ",int4)";
  constexpr int kMask = sizeof(T) == 8 ? 63 : 31;
  builder.builtin(name + "shl" + shift, row_kernel<T, T, int32_t>([](T a, int32_t b, T& out) {
    out = static_cast<T>(static_cast<uint64_t>(static_cast<int64_t>(a)) << (b & kMask));
  }));
  builder.builtin(name + "shr" + shift, row_kernel<T, T, int32_t>([](T a, int32_t b, T& out) {
    out = static_cast<T>(static_cast<int64_t>(a) >> (b & kMask));
  }));
}

// Floats: an infinite result of finite arguments is an error, so is a zero product or quotient of
// non-zero ones (src/include/utils/float.h).
struct FloatPlus {
  template <class T>
  static const Fault* apply(T a, T b, T& out) {
    out = a + b;
    return std::isinf(out) && !std::isinf(a) && !std::isinf(b) ? &fault::kFloatOverflow : nullptr;
  }
};
struct FloatMinus {
  template <class T>
  static const Fault* apply(T a, T b, T& out) {
    out = a - b;
    return std::isinf(out) && !std::isinf(a) && !std::isinf(b) ? &fault::kFloatOverflow : nullptr;
  }
};
struct FloatTimes {
  template <class T>
  static const Fault* apply(T a, T b, T& out) {
    out = a * b;
    if (std::isinf(out) && !std::isinf(a) && !std::isinf(b)) return &fault::kFloatOverflow;
    if (out == 0 && a != 0 && b != 0) return &fault::kFloatUnderflow;
    return nullptr;
  }
};
struct FloatDivide {
  template <class T>
  static const Fault* apply(T a, T b, T& out) {
    if (b == 0 && !std::isnan(a)) return &fault::kDivisionByZero;
    out = a / b;
    if (std::isinf(out) && !std::isinf(a)) return &fault::kFloatOverflow;
    if (out == 0 && a != 0 && !std::isinf(b)) return &fault::kFloatUnderflow;
    return nullptr;
  }
};

template <class T>
constexpr FourKernels kFloatKernels = {operate<FloatPlus, T>, operate<FloatMinus, T>,
                                       operate<FloatTimes, T>, operate<FloatDivide, T>};
constexpr FourKernels kMixedFloatKernels = {
    operate_widened<FloatPlus, double, oid::kFloat8>,
    operate_widened<FloatMinus, double, oid::kFloat8>,
    operate_widened<FloatTimes, double, oid::kFloat8>,
    operate_widened<FloatDivide, double, oid::kFloat8>};

template <class T>
void register_float_type(FunctionCatalog::Builder& builder, const std::string& name) {
  const std::string one = "(" + name + ")";
  builder.builtin(name + "um" + one, row_kernel<T, T>([](T a, T& out) { out = -a; }));
  builder.builtin(name + "up" + one, row_kernel<T, T>([](T a, T& out) { out = a; }));
  for (const std::string& abs : {name + "abs" + one, "abs" + one})
    builder.builtin(abs, row_kernel<T, T>([](T a, T& out) { out = std::fabs(a); }));
  register_four(builder, name, "(" + name + "," + name + ")", kFloatKernels<T>);
}

}  // namespace

void register_arithmetic(FunctionCatalog::Builder& builder) {
  register_integer_type<int16_t>(builder, "int2");
  register_integer_type<int32_t>(builder, "int4");
  register_integer_type<int64_t>(builder, "int8");
  register_float_type<float>(builder, "float4");
  register_float_type<double>(builder, "float8");
  const FourKernels& int4 = kMixedIntegerKernels<int32_t, oid::kInt4>;
  const FourKernels& int8 = kMixedIntegerKernels<int64_t, oid::kInt8>;
  const FourKernels& float8 = kMixedFloatKernels;
  register_four(builder, "int24", "(int2,int4)", int4);
  register_four(builder, "int42", "(int4,int2)", int4);
  register_four(builder, "int28", "(int2,int8)", int8);
  register_four(builder, "int82", "(int8,int2)", int8);
  register_four(builder, "int48", "(int4,int8)", int8);
  register_four(builder, "int84", "(int8,int4)", int8);
  register_four(builder, "float48", "(float4,float8)", float8);
  register_four(builder, "float84", "(float8,float4)", float8);
}

}  // namespace eventd::engine
