// Values in PostgreSQL's binary (send/receive) form: elements of arrays, parameters and results.
#pragma once

#include <string>
#include <string_view>

#include "engine/types/type.h"
#include "engine/vector/datum.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// Appends the binary form of row `row` (not NULL), without length.
void append_binary(const Vector& vector, uint32_t row, std::string& out);
/// The same for one value (not NULL).
void append_datum_binary(const Datum& value, std::string& out);
/// Binary form → value. 22P03, 22021 (text that is no UTF-8), 22008 (out of the type's range).
Result<Datum> datum_from_binary(const Type& type, std::string_view bytes);

}  // namespace eventd::engine
