#include "engine/segments/decimal_doubles.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace eventd::engine {
namespace {

// Exact as doubles, as are integers below 2^53: the quotient of two exact numbers is the double nearest to
// the decimal, on every machine.
constexpr double kPowers[DecimalDoubles::kExponentMax + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                              1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                              1e14, 1e15, 1e16, 1e17, 1e18};
constexpr double kExactMax = 9007199254740992.0;  // 2^53
constexpr size_t kDecimalSamples = 512;

bool scale(double value, double power, int64_t& scaled) {
  const double product = value * power;
  if (!(std::fabs(product) < kExactMax)) return false;  // NaN, too
  scaled = std::llrint(product);
  return std::bit_cast<uint64_t>(static_cast<double>(scaled) / power) == std::bit_cast<uint64_t>(value);
}

/// The exponent that serves the most sampled values; a greater one serves values of fewer digits, too.
std::optional<uint8_t> exponent_of(std::span<const double> values) {
  std::array<size_t, std::size(kPowers)> needed{};
  const size_t step = std::max<size_t>(1, values.size() / kDecimalSamples);
  size_t samples = 0, served = 0;
  for (size_t i = 0; i < values.size(); i += step, ++samples) {
    int64_t scaled = 0;
    for (size_t e = 0; e < std::size(kPowers); ++e) {
      if (!scale(values[i], kPowers[e], scaled)) continue;
      ++needed[e];
      ++served;
      break;
    }
  }
  if (served * 8 < samples * 7) return std::nullopt;
  // Values that need more digits than nearly all others become exceptions.
  size_t left = served / 50;
  size_t exponent = std::size(kPowers) - 1;
  while (exponent > 0 && needed[exponent] <= left) left -= needed[exponent--];
  return static_cast<uint8_t>(exponent);
}

}  // namespace

std::optional<DecimalDoublesPlan> plan_decimal_doubles(std::span<const double> values) {
  const auto exponent = exponent_of(values);
  if (!exponent) return std::nullopt;
  DecimalDoublesPlan plan;
  plan.exponent = *exponent;
  plan.scaled.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t scaled = 0;
    if (!scale(values[i], kPowers[plan.exponent], scaled)) {
      plan.exceptions.push_back(static_cast<int64_t>(i));
      if (plan.exceptions.size() * 8 > values.size()) return std::nullopt;
      scaled = plan.scaled.empty() ? 0 : plan.scaled.back();
    }
    plan.scaled.push_back(scaled);
  }
  return plan;
}

void append_decimal_doubles(const DecimalDoublesPlan& plan, std::span<const double> values,
                            std::string& out) {
  append_column_header(ColumnEncoding::kDecimalDoubles, static_cast<uint32_t>(values.size()), out);
  append_le(out, plan.exponent);
  append_le(out, static_cast<uint32_t>(plan.exceptions.size()));
  append_child(out, [&] { IntegerBlocksPlan(plan.exceptions).append(out); });
  for (const int64_t row : plan.exceptions) append_le(out, values[static_cast<size_t>(row)]);
  append_child(out, [&] { append_integer_column(plan.scaled, out); });
}

Result<DecimalDoubles> DecimalDoubles::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kDecimalDoubles, rows));
  uint8_t exponent = 0;
  uint32_t count = 0;
  ByteSpan positions, scaled;
  DecimalDoubles doubles;
  if (!reader.read(exponent) || exponent > kExponentMax || !reader.read(count) || count > rows ||
      !reader.take_sized(positions) ||
      !reader.take(size_t{count} * sizeof(double), doubles.exception_bits_) ||
      !reader.take_sized(scaled)) {
    return column_damaged("a column of decimals is cut off");
  }
  doubles.divisor_ = kPowers[exponent];
  ASSIGN_OR_RETURN(const IntegerColumn rows_of, IntegerColumn::open(positions, count));
  ASSIGN_OR_RETURN(doubles.exceptions_, rows_of.decode_all());
  int64_t least = 0;
  for (const int64_t row : doubles.exceptions_) {
    if (row < least || row >= rows) return column_damaged("an exception of a column of decimals");
    least = row + 1;
  }
  ASSIGN_OR_RETURN(doubles.scaled_, IntegerColumn::open(scaled, rows));
  return doubles;
}

Status DecimalDoubles::decode(uint32_t block, double* out) const {
  std::array<int64_t, kColumnBlockRows> scaled;
  RETURN_IF_ERROR(scaled_.decode(block, scaled.data()));
  const uint32_t rows = column_block_rows(scaled_.rows(), block);
  for (uint32_t i = 0; i < rows; ++i) out[i] = static_cast<double>(scaled[i]) / divisor_;
  const int64_t first = int64_t{block} * kColumnBlockRows;
  auto at = std::lower_bound(exceptions_.begin(), exceptions_.end(), first);
  for (; at != exceptions_.end() && *at < first + rows; ++at) {
    const auto number = static_cast<size_t>(at - exceptions_.begin());
    out[*at - first] = load_le<double>(exception_bits_.data() + number * sizeof(double));
  }
  return {};
}

}  // namespace eventd::engine
