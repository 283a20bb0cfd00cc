// Elements of array values as vectors, and back. Private to engine/exec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/types/array_format.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// All elements of one array value (PostgreSQL's binary format), Flat, of `element_type`.
/// 22P03 for malformed bytes.
Result<Vector> array_elements(std::string_view bytes, Oid element_type);
/// Appends row `row` of `values` to `builder`.
void append_element(const Vector& values, uint32_t row, ArrayBuilder& builder);

}  // namespace eventd::engine
