// 128-bit integers, which ISO C++ does not name.
#pragma once

namespace eventd::engine {

__extension__ using Int128 = __int128;

}  // namespace eventd::engine
