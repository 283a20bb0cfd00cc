// Whether tests take their long forms.
#pragma once

#include <cstdlib>
#include <string_view>

namespace eventd {

/// True under `./test --long`, which sets EVENTD_LONG_TESTS to 1; `./test` sets it to 0.
inline bool long_tests() {
  const char* value = std::getenv("EVENTD_LONG_TESTS");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace eventd
