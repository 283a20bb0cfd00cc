// RANGE frames with offsets: PostgreSQL's in_range support functions as expressions.
#pragma once

#include "engine/plan/expression_binder.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// The type an offset of type `offset` gets beside a sort key of type `key`. 0A000 with
/// PostgreSQL's words where there is none.
Result<Oid> range_offset_type(Oid key, Oid offset, int position);

/// A type in which `key` ± offset cannot overflow; the sort key is compared in it.
Oid range_key_type(Oid key);

/// key ± offset over (kOuter 0: a key of range_key_type(), kOuter 1: the offset).
/// `subtract`: towards smaller keys.
Result<ExprPtr> range_boundary(ExpressionBinder& binder, Oid key, Oid offset, bool subtract,
                               ParameterTypes& parameters);

}  // namespace eventd::engine
