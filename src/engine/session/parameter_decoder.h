// Parameter values of Bind → Datum, from text or binary format.
#pragma once

#include "engine/functions/eval_context.h"
#include "engine/session/session.h"
#include "engine/vector/datum.h"
#include "result.h"

namespace eventd::engine {

/// 22P02 and friends for text, 22P03 for a binary value of the wrong size or form, 22021 for text
/// that isn't UTF-8, 0A000 for types without binary input here. `number` is the 1-based parameter.
Result<Datum> decode_parameter(const EvalContext& context, Oid type, const WireParameter& parameter,
                               size_t number);

}  // namespace eventd::engine
