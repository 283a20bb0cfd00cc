// Operators and functions of numeric.
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/numeric_functions.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

Numeric read(const StringRef& value) { return Numeric::from_canonical(value.view()); }

void write(const Numeric& value, StringOut& out) {
  std::string& text = out.buffer();
  value.append_text(text);
  out.copy(text);
}

Status write(const Result<Numeric>& value, StringOut& out) {
  if (!value.ok()) return Status(value.error());
  write(*value, out);
  return Status();
}

template <class Operation>
Kernel unary() {
  return row_kernel<StringRef, StringRef>([](const StringRef& value, StringOut& out) -> Status {
    return write(Result<Numeric>(Operation::apply(read(value))), out);
  });
}

template <class Operation>
Kernel binary() {
  return row_kernel<StringRef, StringRef, StringRef>(
      [](const StringRef& a, const StringRef& b, StringOut& out) -> Status {
        return write(Result<Numeric>(Operation::apply(read(a), read(b))), out);
      });
}

struct Add {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return a.add(b); }
};
struct Subtract {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return a.subtract(b); }
};
struct Multiply {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return a.multiply(b); }
};
struct Divide {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return a.divide(b); }
};
struct DivideTruncate {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return a.divide_truncate(b); }
};
struct Modulo {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return a.modulo(b); }
};
struct Power {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return numeric_power(a, b); }
};
struct LogBase {
  static Result<Numeric> apply(const Numeric& a, const Numeric& b) { return numeric_log(a, b); }
};
struct Negate {
  static Numeric apply(const Numeric& v) { return -v; }
};
struct Same {
  static Numeric apply(const Numeric& v) { return v; }
};
struct Absolute {
  static Numeric apply(const Numeric& v) { return v.abs(); }
};
struct Sign {
  static Numeric apply(const Numeric& v) {
    return v.is_nan() ? v : Numeric::from_int64(v.sign());
  }
};
struct Ceiling {
  static Numeric apply(const Numeric& v) { return v.ceil(); }
};
struct Floor {
  static Numeric apply(const Numeric& v) { return v.floor(); }
};
struct Round {
  static Numeric apply(const Numeric& v) { return v.round(0); }
};
struct Truncate {
  static Numeric apply(const Numeric& v) { return v.truncate(0); }
};
struct SquareRoot {
  static Result<Numeric> apply(const Numeric& v) { return numeric_sqrt(v); }
};
struct Exponential {
  static Result<Numeric> apply(const Numeric& v) { return numeric_exp(v); }
};
struct NaturalLog {
  static Result<Numeric> apply(const Numeric& v) { return numeric_ln(v); }
};
struct DecimalLog {
  static Result<Numeric> apply(const Numeric& v) { return numeric_log(Numeric::from_int64(10), v); }
};

}  // namespace

void register_numeric_math(Builder& builder) {
  builder.builtin("numeric_add(numeric,numeric)", binary<Add>());
  builder.builtin("numeric_sub(numeric,numeric)", binary<Subtract>());
  builder.builtin("numeric_mul(numeric,numeric)", binary<Multiply>());
  builder.builtin("numeric_div(numeric,numeric)", binary<Divide>());
  builder.builtins({"numeric_mod(numeric,numeric)", "mod(numeric,numeric)"}, binary<Modulo>());
  builder.builtin("div(numeric,numeric)", binary<DivideTruncate>());
  builder.builtins(
      {"numeric_power(numeric,numeric)", "power(numeric,numeric)", "pow(numeric,numeric)"},
      binary<Power>());
  builder.builtins({"numeric_log(numeric,numeric)", "log(numeric,numeric)"}, binary<LogBase>());
  builder.builtin("numeric_uminus(numeric)", unary<Negate>());
  builder.builtin("numeric_uplus(numeric)", unary<Same>());
  builder.builtins({"numeric_abs(numeric)", "abs(numeric)"}, unary<Absolute>());
  builder.builtin("sign(numeric)", unary<Sign>());
  builder.builtins({"ceil(numeric)", "ceiling(numeric)"}, unary<Ceiling>());
  builder.builtin("floor(numeric)", unary<Floor>());
  builder.builtin("round(numeric)", unary<Round>());
  builder.builtin("trunc(numeric)", unary<Truncate>());
  builder.builtins({"sqrt(numeric)", "numeric_sqrt(numeric)"}, unary<SquareRoot>());
  builder.builtins({"exp(numeric)", "numeric_exp(numeric)"}, unary<Exponential>());
  builder.builtins({"ln(numeric)", "numeric_ln(numeric)"}, unary<NaturalLog>());
  builder.builtins({"log(numeric)", "log10(numeric)"}, unary<DecimalLog>());
  builder.builtin("round(numeric,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const StringRef& v, int32_t scale, StringOut& out) {
                        write(read(v).round(std::clamp(scale, -2000, 2000)), out);
                      }));
  builder.builtin("trunc(numeric,int4)",
                  row_kernel<StringRef, StringRef, int32_t>(
                      [](const StringRef& v, int32_t scale, StringOut& out) {
                        write(read(v).truncate(std::clamp(scale, -2000, 2000)), out);
                      }));
  builder.builtin("scale(numeric)",
                  row_kernel<int32_t, StringRef>([](const StringRef& v, int32_t& out) -> bool {
                    const Numeric value = read(v);
                    out = value.scale();
                    return value.is_finite();
                  }));
}

}  // namespace eventd::engine
