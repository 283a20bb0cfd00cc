// Moving values between rows of vectors. Private to engine/exec.
#pragma once

#include <cstdint>

#include "engine/vector/vector.h"

namespace eventd::engine {

/// to[rows[i]] = from[i] for i < count. `to` is Flat of the same Physical and keeps the bytes of
/// `from` alive.
void scatter(const Vector& from, const uint32_t* rows, uint32_t count, Vector& to);
/// As above, from[from_rows[i]].
void scatter(const Vector& from, const uint32_t* from_rows, const uint32_t* rows, uint32_t count,
             Vector& to);

}  // namespace eventd::engine
