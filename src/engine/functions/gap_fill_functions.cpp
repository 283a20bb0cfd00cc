// time_bucket_gapfill(), locf(), interpolate(): what the binder turns into a GapFill node. The
// functions themselves only say where they may be called.
// Source: TimescaleDB's documentation of its gapfilling functions.
#include "engine/functions/argument_names.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/time_bucket.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

enum class GapFunction : uint8_t { kBucket, kLocf, kInterpolate };

template <GapFunction kFunction>
Status misplaced(const CallFrame&, Vector&) {
  constexpr std::string_view kName = kFunction == GapFunction::kBucket ? "time_bucket_gapfill"
                                     : kFunction == GapFunction::kLocf ? "locf"
                                                                       : "interpolate";
  return {sqlstate::kFeatureNotSupported,
          std::string(kName) + " can only be used in an aggregation query with time_bucket_gapfill"};
}

void add(Builder& builder, std::string_view name, std::vector<Oid> arguments, Oid result,
         Kernel kernel, ArgumentNames names) {
  ScalarFunction function;
  function.name = name;
  function.arguments = std::move(arguments);
  function.result = result;
  function.volatility = Volatility::kStable;  // nobody computes it early
  function.strict = false;
  function.kernel = kernel;
  set_argument_names(builder.add_function(std::move(function))->id, names);
}

}  // namespace

void register_gap_fill(Builder& builder) {
  constexpr ArgumentNames kBucket{"bucket_width,ts,start,finish", "NULL|NULL"};
  constexpr ArgumentNames kZoned{"bucket_width,ts,timezone,start,finish", "NULL|NULL"};
  constexpr Kernel kBucketKernel = misplaced<GapFunction::kBucket>;
  for (const Oid type : {oid::kInt2, oid::kInt4, oid::kInt8}) {
    add(builder, "time_bucket_gapfill", {type, type, type, type}, type, kBucketKernel, kBucket);
  }
  for (const Oid type : {oid::kDate, oid::kTimestamp, oid::kTimestamptz}) {
    add(builder, "time_bucket_gapfill", {oid::kInterval, type, type, type}, type, kBucketKernel,
        kBucket);
  }
  add(builder, "time_bucket_gapfill",
      {oid::kInterval, oid::kTimestamptz, oid::kText, oid::kTimestamptz, oid::kTimestamptz},
      oid::kTimestamptz, kBucketKernel, kZoned);
  add(builder, "locf", {oid::kAnyElement, oid::kAnyElement, oid::kBool}, oid::kAnyElement,
      misplaced<GapFunction::kLocf>, {"value,prev,treat_null_as_missing", "NULL|false"});
  for (const Oid type : {oid::kInt2, oid::kInt4, oid::kInt8, oid::kFloat4, oid::kFloat8}) {
    add(builder, "interpolate", {type, oid::kRecord, oid::kRecord}, type,
        misplaced<GapFunction::kInterpolate>, {"value,prev,next", "NULL|NULL"});
  }
}

}  // namespace eventd::engine
