#pragma once

#include "engine/functions/function_registry.h"

namespace eventd::engine {

/// date_bin(): the start of the stride, counted from origin, that holds `us`. Infinities stay. 22008, 0A000.
Status bin_timestamp(const IntervalValue& stride, int64_t us, int64_t origin, int64_t& out);

/// time_bucket() in TimescaleDB's forms.
void register_time_bucket(FunctionCatalog::Builder& builder);
/// time_bucket_gapfill(), locf(), interpolate().
void register_gap_fill(FunctionCatalog::Builder& builder);

}  // namespace eventd::engine
