// Number columns under a wider type, so that operators of mixed types (int2 + int8) need no loops of
// their own.
#pragma once

#include "engine/functions/function.h"

namespace eventd::engine {

/// `numbers` as int4, int8 or float8: the same form and NULLs. Itself when it lies in that type
/// already. REQUIRES: int2 or int4 for an integer `type`, float4 for float8.
Vector widened(const Vector& numbers, Oid type);

/// Calls `kernel` of `type` with both arguments widened to it.
Status call_widened(const CallFrame& frame, Vector& result, Oid type, Kernel kernel);

}  // namespace eventd::engine
