// RANGE frames with offsets: what PostgreSQL's in_range support functions take.
#pragma once

#include "engine/plan/expression_binder.h"

namespace eventd::engine {

/// The type an offset of type `offset` gets beside a sort key of type `key`. 0A000 with
/// PostgreSQL's words where there is none.
Result<Oid> range_offset_type(Oid key, Oid offset, int position);

}  // namespace eventd::engine
