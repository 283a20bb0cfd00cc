// How the rows of two inputs meet.
#pragma once

#include <cstdint>

namespace eventd::engine {

/// kSemi and kAnti give left rows only: those with a match on the right, and those without.
enum class JoinType : uint8_t { kInner, kLeft, kRight, kFull, kSemi, kAnti };

}  // namespace eventd::engine
