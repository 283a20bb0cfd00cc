// Names and defaults of functions' arguments, for calls like f(value => 1).
#pragma once

#include <string_view>

#include "engine/types/type.h"

namespace eventd::engine {

/// Of one overload.
struct ArgumentNames {
  /// Separated by commas, '-' where one has none; empty: none has.
  std::string_view names;
  /// Of the last arguments, as text for their input functions (kNullDefault: NULL), separated by '|'.
  std::string_view defaults;
};

inline constexpr std::string_view kNullDefault = "NULL";

/// Of PostgreSQL's functions and our own, by OID.
ArgumentNames argument_names(Oid id);
/// For a function of our own, while the catalog is built. The strings must be literals.
void set_argument_names(Oid id, ArgumentNames names);

}  // namespace eventd::engine
