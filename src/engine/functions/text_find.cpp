#include "engine/functions/text_find.h"

#include <algorithm>
#include <cstring>

#include "interrupt.h"

namespace eventd::engine {
namespace {

// memmem's time is linear; find()'s is the product of both lengths, but it is quick for short ones.
constexpr size_t kLongText = 16;
// Between two questions whether anybody still wants to know.
constexpr size_t kWindowBytes = 4 << 20;

size_t find_within(std::string_view text, std::string_view sought) {
  if (sought.size() < kLongText) return text.find(sought);
  const void* at = memmem(text.data(), text.size(), sought.data(), sought.size());
  return at == nullptr ? text.npos : static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

}  // namespace

size_t find_text(std::string_view text, std::string_view sought, size_t from) {
  if (from > text.size() || sought.size() > text.size() - from) return text.npos;
  const size_t window = std::max(kWindowBytes, 2 * sought.size());
  for (;;) {
    const std::string_view part = text.substr(from, window);
    const size_t at = find_within(part, sought);
    if (at != text.npos) return from + at;
    if (part.size() == text.size() - from || is_interrupted()) return text.npos;
    from += window - sought.size() + 1;
  }
}

}  // namespace eventd::engine
