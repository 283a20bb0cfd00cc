// Whether a signature can take a call's arguments: variadic parameters, names, default values.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/plan/expr.h"
#include "result.h"

namespace eventd::engine {

/// How the arguments of a call lie on a signature.
struct CallMatch {
  std::vector<Oid> arguments;  ///< parameter types in the order of the call's arguments
  std::vector<size_t> slots;   ///< parameter of the call's i-th argument; empty: in order
};

/// False when a function with the parameter types `declared` cannot take a call with so many
/// arguments (`names[i]` empty = by position). A variadic array parameter (text[]) takes single
/// elements, unless the call says VARIADIC. Names and defaults are those of PostgreSQL's function
/// `id` (pg_proc.proargnames).
bool match_call(std::span<const Oid> declared, bool variadic, Oid id,
                std::span<const std::string> names, bool call_is_variadic, CallMatch& out);

/// The arguments in the order of the parameters, missing ones as literals of their defaults.
/// REQUIRES: match_call() made `match` of the same function.
std::vector<ExprPtr> complete_arguments(std::span<const Oid> declared, Oid id,
                                        const CallMatch& match, std::vector<ExprPtr> arguments,
                                        int position);

}  // namespace eventd::engine
