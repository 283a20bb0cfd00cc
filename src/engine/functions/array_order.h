// The order of array elements in their binary form.
#pragma once

#include <compare>
#include <string_view>

#include "engine/types/type.h"

namespace eventd::engine {

/// Two elements (not NULL) of an array whose element type is `type`.
std::strong_ordering compare_array_elements(Oid type, std::string_view a, std::string_view b);

}  // namespace eventd::engine
