// Which of several functions or operators of one name a call means: PostgreSQL's
// func_get_detail() / func_select_candidate() (User Manual, chapter 10, "Type Conversion").
#pragma once

#include <span>
#include <vector>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// One candidate, with VARIADIC already expanded to the call's number of arguments.
struct Candidate {
  std::vector<Oid> arguments;
  const void* entry = nullptr;  ///< the catalog's entry, for the caller
};

struct OverloadChoice {
  enum class Outcome : unsigned char { kFound, kNone, kAmbiguous } outcome = Outcome::kNone;
  size_t index = 0;
};

/// Chooses by argument types (kUnknown for bare literals and open parameters).
OverloadChoice choose_overload(std::span<const Candidate> candidates, std::span<const Oid> types);

/// Concrete argument types for a signature with pseudo-types, and what they stand for.
struct PolymorphicTypes {
  bool consistent = false;
  std::vector<Oid> arguments;  ///< `any` becomes the argument's own type (text for unknown)
  Oid element = 0;             ///< anyelement, 0 = not determined
  Oid compatible = 0;          ///< anycompatible
};
PolymorphicTypes resolve_polymorphic(std::span<const Oid> declared, std::span<const Oid> actual);
/// 42804 when all arguments that would say what anyelement is are untyped literals.
Status check_polymorphic(std::span<const Oid> declared, std::span<const Oid> actual);
/// The declared result with pseudo-types replaced.
Oid resolve_result(Oid declared, const PolymorphicTypes& types);

}  // namespace eventd::engine
