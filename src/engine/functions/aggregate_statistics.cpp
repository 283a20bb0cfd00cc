// stddev, variance, corr, covar and regr_….
//
// Floats: N, Σx and Σ(x-mean)², updated as Youngs and Cramer do and as PostgreSQL does, so that
// results agree to the last digit. Integers and numeric: exact sums, numeric results.
#include <cmath>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/numeric_functions.h"
#include "engine/types/int128.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

enum class Spread { kVarPop, kVarSamp, kStddevPop, kStddevSamp };
constexpr bool is_sample(Spread s) { return s == Spread::kVarSamp || s == Spread::kStddevSamp; }
constexpr bool is_stddev(Spread s) { return s == Spread::kStddevPop || s == Spread::kStddevSamp; }

// --- float ---

template <class T, Spread kSpread>
struct FloatSpread {
  static constexpr Partials kPartials = Partials::kRounded;
  using Input = T;
  struct State {
    double n, sum, squares;
  };
  static Status add(State& state, const T& input) {
    const auto value = static_cast<double>(input);
    if (state.n == 0) {
      state = {1, value, std::isfinite(value) ? 0.0 : std::nan("")};
      return Status();
    }
    const double old_sum = state.sum;
    state.n += 1;
    state.sum += value;
    const double deviation = value * state.n - state.sum;
    state.squares += deviation * deviation / (state.n * (state.n - 1));
    if (std::isinf(state.sum) || std::isinf(state.squares)) {
      if (!std::isinf(old_sum) && !std::isinf(value)) return fault::kFloatOverflow.status();
      state.squares = std::nan("");
    }
    return Status();
  }
  static Status combine(State& into, State& from) {
    if (from.n == 0) return Status();
    if (into.n == 0) {
      into = from;
      return Status();
    }
    const double n = into.n + from.n;
    const double difference = into.sum / into.n - from.sum / from.n;
    const double squares =
        into.squares + from.squares + into.n * from.n * difference * difference / n;
    if (std::isinf(squares) && !std::isinf(into.squares) && !std::isinf(from.squares))
      return fault::kFloatOverflow.status();
    into = {n, into.sum + from.sum, squares};
    return Status();
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    if (state.n < (is_sample(kSpread) ? 2 : 1)) return finish_null(result, row);
    const double variance = state.squares / (is_sample(kSpread) ? state.n - 1 : state.n);
    result.data<double>()[row] = is_stddev(kSpread) ? std::sqrt(variance) : variance;
    return Status();
  }
};

// --- exact ---

struct ExactSums {
  Numeric sum, squares;
  int64_t n = 0;
};

Status finish_exact(const ExactSums& sums, Spread spread, Vector& result, uint32_t row) {
  if (sums.n < (is_sample(spread) ? 2 : 1)) return finish_null(result, row);
  const auto set = [&](const Numeric& value) {
    result.set_string(row, value.text());
    return Status();
  };
  if (!sums.sum.is_finite() || !sums.squares.is_finite()) return set(Numeric::nan());
  const Numeric n = Numeric::from_int64(sums.n);
  // (N·Σx² - (Σx)²) / (N·(N-1) or N²)
  ASSIGN_OR_RETURN(const Numeric scaled, n.multiply(sums.squares));
  ASSIGN_OR_RETURN(const Numeric square, sums.sum.multiply(sums.sum));
  ASSIGN_OR_RETURN(const Numeric numerator, scaled.subtract(square));
  if (numerator.sign() <= 0) return set(Numeric());
  ASSIGN_OR_RETURN(const Numeric divisor,
                   n.multiply(Numeric::from_int64(is_sample(spread) ? sums.n - 1 : sums.n)));
  ASSIGN_OR_RETURN(const Numeric variance, numerator.divide(divisor));
  return set(is_stddev(spread) ? numeric_sqrt(variance, variance.scale()) : variance);
}

/// int2 and int4 sum in 128 bits.
template <class T, Spread kSpread>
struct SmallSpread {
  using Input = T;
  struct State {
    Int128 sum, squares;
    int64_t n;
  };
  static void add(State& state, const T& value) {
    state.sum += value;
    state.squares += static_cast<Int128>(value) * value;
    ++state.n;
  }
  static void combine(State& into, State& from) {
    into.sum += from.sum;
    into.squares += from.squares;
    into.n += from.n;
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    return finish_exact({Numeric::from_int128(state.sum, 0), Numeric::from_int128(state.squares, 0),
                         state.n},
                        kSpread, result, row);
  }
};

/// int8 and numeric, whose squares outgrow 128 bits.
template <class T, Spread kSpread>
struct NumericSpread {
  using Input = T;
  using State = ExactSums;
  static Numeric read(int64_t value) { return Numeric::from_int64(value); }
  static Numeric read(const StringRef& value) { return Numeric::from_canonical(value.view()); }
  static Status add(State& state, const T& input) {
    const Numeric value = read(input);
    ASSIGN_OR_RETURN(const Numeric square, value.multiply(value));
    ASSIGN_OR_RETURN(state.sum, state.sum.add(value));
    ASSIGN_OR_RETURN(state.squares, state.squares.add(square));
    ++state.n;
    return Status();
  }
  static Status combine(State& into, State& from) {
    ASSIGN_OR_RETURN(into.sum, into.sum.add(from.sum));
    ASSIGN_OR_RETURN(into.squares, into.squares.add(from.squares));
    into.n += from.n;
    return Status();
  }
  static Status finish(State& state, Vector& result, uint32_t row) {
    return finish_exact(state, kSpread, result, row);
  }
};

template <Spread kSpread>
void register_spread(Builder& builder, std::initializer_list<const char*> names) {
  for (const std::string name : names) {
    builder.builtin_aggregate(name + "(int2)", aggregate_of<SmallSpread<int16_t, kSpread>>());
    builder.builtin_aggregate(name + "(int4)", aggregate_of<SmallSpread<int32_t, kSpread>>());
    builder.builtin_aggregate(name + "(int8)", aggregate_of<NumericSpread<int64_t, kSpread>>());
    builder.builtin_aggregate(name + "(numeric)",
                              aggregate_of<NumericSpread<StringRef, kSpread>>());
    builder.builtin_aggregate(name + "(float4)", aggregate_of<FloatSpread<float, kSpread>>());
    builder.builtin_aggregate(name + "(float8)", aggregate_of<FloatSpread<double, kSpread>>());
  }
}

// --- regression over (Y, X) ---

struct RegressionState {
  double n, sx, sxx, sy, syy, sxy;
};

enum class Regression {
  kCount, kSxx, kSyy, kSxy, kAvgX, kAvgY, kCovarPop, kCovarSamp, kCorr, kR2, kSlope, kIntercept
};

template <Regression kWhat>
struct RegressionAggregate {
  static constexpr Partials kPartials = Partials::kRounded;
  using Input1 = double;  // Y
  using Input2 = double;  // X
  using State = RegressionState;

  static Status add(State& s, const double& y, const double& x) {
    const State old = s;
    s.n += 1;
    s.sx += x;
    s.sy += y;
    if (old.n > 0) {
      const double dx = x * s.n - s.sx, dy = y * s.n - s.sy;
      const double scale = 1.0 / (s.n * old.n);
      s.sxx += dx * dx * scale;
      s.syy += dy * dy * scale;
      s.sxy += dx * dy * scale;
      if (std::isinf(s.sx) || std::isinf(s.sxx) || std::isinf(s.sy) || std::isinf(s.syy) ||
          std::isinf(s.sxy)) {
        const bool x_infinite = std::isinf(old.sx) || std::isinf(x);
        const bool y_infinite = std::isinf(old.sy) || std::isinf(y);
        if (((std::isinf(s.sx) || std::isinf(s.sxx)) && !x_infinite) ||
            ((std::isinf(s.sy) || std::isinf(s.syy)) && !y_infinite) ||
            (std::isinf(s.sxy) && !x_infinite && !y_infinite))
          return fault::kFloatOverflow.status();
        if (std::isinf(s.sxx)) s.sxx = std::nan("");
        if (std::isinf(s.syy)) s.syy = std::nan("");
        if (std::isinf(s.sxy)) s.sxy = std::nan("");
      }
    } else {
      if (!std::isfinite(x)) s.sxx = s.sxy = std::nan("");
      if (!std::isfinite(y)) s.syy = s.sxy = std::nan("");
    }
    return Status();
  }

  static void combine(State& into, State& from) {
    if (from.n == 0) return;
    if (into.n == 0) {
      into = from;
      return;
    }
    const double n = into.n + from.n;
    const double dx = into.sx / into.n - from.sx / from.n;
    const double dy = into.sy / into.n - from.sy / from.n;
    const double weight = into.n * from.n / n;
    into.sxx += from.sxx + weight * dx * dx;
    into.syy += from.syy + weight * dy * dy;
    into.sxy += from.sxy + weight * dx * dy;
    into.sx += from.sx;
    into.sy += from.sy;
    into.n = n;
  }

  static Status finish(State& s, Vector& result, uint32_t row) {
    if constexpr (kWhat == Regression::kCount) {
      result.data<int64_t>()[row] = static_cast<int64_t>(s.n);
      return Status();
    } else {
      double value = 0;
      if (s.n < (kWhat == Regression::kCovarSamp ? 2 : 1) || !compute(s, value))
        return finish_null(result, row);
      result.data<double>()[row] = value;
      return Status();
    }
  }

 private:
  /// False = NULL.
  static bool compute(const State& s, double& value) {
    switch (kWhat) {
      case Regression::kCount: return false;
      case Regression::kSxx: value = s.sxx; return true;
      case Regression::kSyy: value = s.syy; return true;
      case Regression::kSxy: value = s.sxy; return true;
      case Regression::kAvgX: value = s.sx / s.n; return true;
      case Regression::kAvgY: value = s.sy / s.n; return true;
      case Regression::kCovarPop: value = s.sxy / s.n; return true;
      case Regression::kCovarSamp: value = s.sxy / (s.n - 1); return true;
      case Regression::kCorr:
        value = s.sxy / std::sqrt(s.sxx * s.syy);
        return s.sxx != 0 && s.syy != 0;
      case Regression::kR2:
        value = s.syy == 0 ? 1.0 : s.sxy * s.sxy / (s.sxx * s.syy);
        return s.sxx != 0;
      case Regression::kSlope: value = s.sxy / s.sxx; return s.sxx != 0;
      case Regression::kIntercept:
        value = (s.sy - s.sx * s.sxy / s.sxx) / s.n;
        return s.sxx != 0;
    }
    return false;
  }
};

template <Regression kWhat>
void register_regression(Builder& builder, const std::string& name) {
  builder.builtin_aggregate(name + "(float8,float8)", aggregate_of<RegressionAggregate<kWhat>>());
}

}  // namespace

void register_statistics(Builder& builder) {
  register_spread<Spread::kStddevSamp>(builder, {"stddev", "stddev_samp"});
  register_spread<Spread::kStddevPop>(builder, {"stddev_pop"});
  register_spread<Spread::kVarSamp>(builder, {"variance", "var_samp"});
  register_spread<Spread::kVarPop>(builder, {"var_pop"});
  register_regression<Regression::kCount>(builder, "regr_count");
  register_regression<Regression::kSxx>(builder, "regr_sxx");
  register_regression<Regression::kSyy>(builder, "regr_syy");
  register_regression<Regression::kSxy>(builder, "regr_sxy");
  register_regression<Regression::kAvgX>(builder, "regr_avgx");
  register_regression<Regression::kAvgY>(builder, "regr_avgy");
  register_regression<Regression::kCovarPop>(builder, "covar_pop");
  register_regression<Regression::kCovarSamp>(builder, "covar_samp");
  register_regression<Regression::kCorr>(builder, "corr");
  register_regression<Regression::kR2>(builder, "regr_r2");
  register_regression<Regression::kSlope>(builder, "regr_slope");
  register_regression<Regression::kIntercept>(builder, "regr_intercept");
}

}  // namespace eventd::engine
