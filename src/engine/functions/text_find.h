// Where a fixed string occurs, in time linear in the text, whatever both hold.
#pragma once

#include <cstddef>
#include <string_view>

namespace eventd::engine {

/// As text.find(sought, from). npos also when interrupted on the way.
size_t find_text(std::string_view text, std::string_view sought, size_t from = 0);

}  // namespace eventd::engine
