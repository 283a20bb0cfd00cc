// EventQL's functions in SQL: histogram_quantile, origin_class_name, principal_name.
#include <cmath>
#include <string>

#include "bytes.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/server_values.h"
#include "engine/payload/msgpack_path.h"
#include "engine/payload/msgpack_reader.h"
#include "kernel/uapi/kmes.h"

namespace eventd::engine {
namespace {

/// An array of numbers; empty if it is none.
std::vector<double> numbers_of(ByteSpan histogram, std::string_view key) {
  std::vector<double> numbers;
  const std::optional<ByteSpan> found = find_key(histogram, key);
  if (!found) return numbers;
  MsgpackReader reader(*found);
  MsgpackToken token;
  if (!reader.next(token) || token.kind != MsgpackKind::kArray) return numbers;
  for (uint32_t i = token.count; i > 0; --i) {
    MsgpackToken item;
    if (!reader.next(item)) return {};
    if (item.kind == MsgpackKind::kInt) numbers.push_back(static_cast<double>(item.integer));
    else if (item.kind == MsgpackKind::kUint) numbers.push_back(static_cast<double>(item.unsigned_integer()));
    else if (item.kind == MsgpackKind::kFloat) numbers.push_back(item.real);
    else return {};
  }
  return numbers;
}

/// Linear within the bucket; the first one starts at min(0, its bound), above the last bound it is
/// the last bound. False: no observations.
Result<bool> quantile(double fraction, ByteSpan histogram, double& out) {
  if (!(fraction >= 0 && fraction <= 1))
    return {sqlstate::kNumericValueOutOfRange, "quantile value must be between 0 and 1"};
  const std::vector<double> bounds = numbers_of(histogram, "boundaries"), counts = numbers_of(histogram, "counts");
  if (bounds.empty() || bounds.size() != counts.size())
    return {sqlstate::kInvalidParameterValue, "argument of histogram_quantile() is not a histogram"};
  double total = counts.back();
  if (const std::optional<ByteSpan> stored = find_key(histogram, "total_count")) {
    MsgpackReader reader(*stored);
    MsgpackToken token;
    if (reader.next(token) && (token.kind == MsgpackKind::kInt || token.kind == MsgpackKind::kUint))
      total = static_cast<double>(token.unsigned_integer());
  }
  if (total <= 0) return false;
  const double rank = fraction * total;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (counts[i] < rank || counts[i] <= 0) continue;
    const double from = i == 0 ? std::min(0.0, bounds[0]) : bounds[i - 1];
    const double before = i == 0 ? 0 : counts[i - 1];
    const double inside = counts[i] - before;
    out = inside <= 0 ? bounds[i] : from + (bounds[i] - from) * ((rank - before) / inside);
    return true;
  }
  out = bounds.back();
  return true;
}

std::string_view class_name(int16_t value) {
  switch (value) {
    case KMES_ORIGIN_USERSPACE: return "userspace";
    case KMES_ORIGIN_KMES: return "kmes";
    case KMES_ORIGIN_KACS: return "kacs";
    case KMES_ORIGIN_LCS: return "lcs";
    default: return {};
  }
}

void add_event_function(FunctionCatalog::Builder& builder, std::string_view name, std::vector<Oid> arguments, Oid result, Kernel kernel) {
  ScalarFunction function;
  function.name = name;
  function.arguments = std::move(arguments);
  function.result = result;
  function.kernel = kernel;
  builder.add_function(std::move(function));
}

}  // namespace

void register_event_values(FunctionCatalog::Builder& builder) {
  add_event_function(builder, "histogram_quantile", {oid::kFloat8, oid::kJsonb}, oid::kFloat8,
            row_kernel<double, double, StringRef>([](double fraction, const StringRef& histogram, double& out) {
              return quantile(fraction, as_bytes(histogram.view()), out);
            }));
  add_event_function(builder, "origin_class_name", {oid::kInt2}, oid::kText, row_kernel<StringRef, int16_t>([](int16_t value, StringOut& out) {
              const std::string_view name = class_name(value);
              if (name.empty()) return false;
              out.keep(name);
              return true;
            }));
  // Nothing in the store tells whose a GUID is.
  add_event_function(builder, "principal_name", {oid::kUuid}, oid::kText, [](const CallFrame&, Vector&) {
    return Status(sqlstate::kFeatureNotSupported, "principal_name() is not supported: no source of principals is configured");
  });
}

}  // namespace eventd::engine
