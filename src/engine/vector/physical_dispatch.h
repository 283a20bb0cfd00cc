// One template instantiation for each Physical.
#pragma once

#include <type_traits>
#include <utility>

#include "engine/vector/vector.h"

namespace eventd::engine {

/// Calls `f(std::type_identity<T>{})` with the C++ type of `physical`. Thread-safe if `f` is.
template <class F>
decltype(auto) dispatch_physical(Physical physical, F&& f) {
  switch (physical) {
    case Physical::kBool: return f(std::type_identity<uint8_t>{});
    case Physical::kInt16: return f(std::type_identity<int16_t>{});
    case Physical::kInt32: return f(std::type_identity<int32_t>{});
    case Physical::kInt64: return f(std::type_identity<int64_t>{});
    case Physical::kFloat32: return f(std::type_identity<float>{});
    case Physical::kFloat64: return f(std::type_identity<double>{});
    case Physical::kUuid: return f(std::type_identity<UuidValue>{});
    case Physical::kInterval: return f(std::type_identity<IntervalValue>{});
    case Physical::kTimetz: return f(std::type_identity<TimetzValue>{});
    case Physical::kBytes: break;
  }
  return f(std::type_identity<StringRef>{});
}

}  // namespace eventd::engine
