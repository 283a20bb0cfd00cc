// Splitting for string_to_array and string_to_table.
#pragma once

#include <optional>
#include <string_view>

#include "engine/functions/text_find.h"
#include "engine/functions/text_helpers.h"
#include "interrupt.h"

namespace eventd::engine {

/// Calls add(piece) for what lies between the delimiters; without one, for every character; an
/// empty one splits nothing. Nothing for an empty text. Stops early when interrupted: ask afterwards.
template <class Add>
void split_text(std::string_view text, std::optional<std::string_view> delimiter, const Add& add) {
  InterruptPacer pacer;
  if (!delimiter) {
    while (!text.empty() && !pacer.step(10)) {
      const size_t size = utf8_first_bytes(text);
      add(text.substr(0, size));
      text.remove_prefix(size);
    }
    return;
  }
  if (text.empty()) return;
  while (!pacer.step(20)) {
    const size_t end = delimiter->empty() ? text.npos : find_text(text, *delimiter);
    add(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + delimiter->size());
  }
}

}  // namespace eventd::engine
