// The times that a GapFill has a row for.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// More times than this in one series are refused (22023).
inline constexpr size_t kGapBucketsMax = 4'000'000;

/// start, start + width, … before finish, ascending. Whole numbers, days (date) or µs, as the
/// bucket's type has them.
struct GapBuckets {
  int64_t start = 0;
  std::vector<int64_t> times;

  /// Evaluates the node's bounds. 22023 with TimescaleDB's words for what is NULL, not positive, the
  /// wrong way round or endless; 57014 when cancelled.
  static Result<GapBuckets> make(const GapFill& fill, const OperatorContext& context);
};

/// A whole number, date or time as its number. REQUIRES: not NULL.
int64_t bucket_number(const Datum& value);

}  // namespace eventd::engine
