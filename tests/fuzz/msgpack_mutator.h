// Changes to a msgpack value that know its structure, so that most of what comes out is nearly right.
#pragma once

#include <string>

#include "tests/fuzz/fuzz_random.h"

namespace eventd::fuzz {

/// A whole value of any family, small.
std::string random_msgpack(FuzzRandom& random, unsigned depth = 0);

/// One change: a value replaced, wrapped, doubled, removed, swapped, its length field widened or
/// spoiled, its string made odd, an element added with the count set right. `bytes` may be anything.
std::string mutate_msgpack(std::string bytes, FuzzRandom& random);

}  // namespace eventd::fuzz
