// From one type to another, as PostgreSQL's parse_coerce.c decides it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/plan/expr.h"
#include "engine/plan/parameter_types.h"
#include "result.h"

namespace eventd::engine {

/// Pseudo-types of signatures that type.h does not name.
inline constexpr Oid kAnyCompatible = 5077, kAnyCompatibleArray = 5078,
                     kAnyCompatibleNonArray = 5079;
bool is_polymorphic(Oid type);

/// True when a value of `from` may stand where `to` is wanted. `unknown` goes anywhere.
bool can_coerce(Oid from, Oid to, CastContext context);

/// `expression` as `target`: literals are read by the input function, open parameters take the
/// type. Errors: 42846 `cannot cast type …`, 22P02 … of literals; all with position.
/// As a polymorphic pseudo-type a value stays what it is.
Result<ExprPtr> coerce(ExprPtr expression, Type target, CastContext context,
                       ParameterTypes& parameters);

/// An `unknown` literal or open parameter as text; others unchanged.
Result<ExprPtr> resolve_unknown(ExprPtr expression, ParameterTypes& parameters);

/// select_common_type(): the type that CASE, UNION, VALUES, ARRAY … branches have in common;
/// kUnknown never comes out. 42804 `CASE types integer and text cannot be matched`.
Result<Oid> common_type(std::span<const ExprPtr> expressions, std::string_view context);
/// The same over bare types; kInvalid if they don't match.
Oid common_type_of(std::span<const Oid> types);
/// Coerces all to `type` implicitly.
Status coerce_all(std::span<ExprPtr> expressions, Oid type, std::string_view context,
                  ParameterTypes& parameters);
/// `argument of WHERE must be type boolean, not type integer` (42804) or the bool expression.
Result<ExprPtr> coerce_to_boolean(ExprPtr expression, std::string_view clause,
                                  ParameterTypes& parameters);

}  // namespace eventd::engine
