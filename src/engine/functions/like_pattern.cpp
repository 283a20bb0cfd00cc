#include "engine/functions/like_pattern.h"

#include "engine/functions/text_find.h"
#include "engine/functions/text_helpers.h"

namespace eventd::engine {
LikePattern::LikePattern(std::string_view pattern, Unit unit) : segments_(1), unit_(unit) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '%') {
      segments_.emplace_back();
      continue;
    }
    Segment& segment = segments_.back();
    if (c == '_') {
      if (segment.pieces.empty()) segment.pieces.emplace_back();
      ++segment.pieces.back().any_count;
      continue;
    }
    if (c == '\\' && ++i == pattern.size()) {
      segment.bad_escape = true;
      break;
    }
    if (segment.pieces.empty() || segment.pieces.back().any_count > 0)
      segment.pieces.emplace_back();
    segment.pieces.back().literal += pattern[i];
  }
}

size_t LikePattern::skip_one(std::string_view text) const {
  if (text.empty()) return std::string_view::npos;
  return unit_ == Unit::kByte ? 1 : utf8_first_bytes(text);
}

size_t LikePattern::match_at(const Segment& segment, std::string_view text) const {
  size_t at = 0;
  for (const Piece& piece : segment.pieces) {
    if (!text.substr(at).starts_with(piece.literal)) return std::string_view::npos;
    at += piece.literal.size();
    for (size_t i = 0; i < piece.any_count; ++i) {
      const size_t size = skip_one(text.substr(at));
      if (size == std::string_view::npos) return size;
      at += size;
    }
  }
  return at;
}

Result<bool> LikePattern::matches(std::string_view text, const CancelToken* cancel) const {
  const auto bad_escape = [] {
    return Status(sqlstate::kInvalidEscapeSequence,
                  "LIKE pattern must not end with escape character");
  };
  constexpr size_t kNone = std::string_view::npos;
  // The first segment is anchored at the start.
  const size_t used = match_at(segments_.front(), text);
  if (used == kNone) return false;
  text.remove_prefix(used);
  if (segments_.front().bad_escape) {
    if (text.empty()) return false;
    return bad_escape();
  }
  if (segments_.size() == 1) return text.empty();
  // The others match as early as they can; the last one must also reach the end.
  for (size_t i = 1; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    const bool last = i + 1 == segments_.size();
    if (segment.bad_escape && !text.empty()) return bad_escape();
    if (segment.bad_escape) return false;
    if (segment.pieces.empty()) continue;  // "%%", or a trailing `%`
    const bool plain = segment.pieces.size() == 1 && segment.pieces.front().any_count == 0;
    if (plain) {
      const std::string& literal = segment.pieces.front().literal;
      if (last) return text.ends_with(literal);
      const size_t at = find_text(text, literal);
      if (at == kNone) return false;
      text.remove_prefix(at + literal.size());
      continue;
    }
    for (size_t tried = 0;; ++tried) {
      if (cancel != nullptr && (tried & 255) == 255) RETURN_IF_ERROR(cancel->check());
      const size_t size = match_at(segment, text);
      if (size != kNone && (!last || size == text.size())) {
        text.remove_prefix(size);
        break;
      }
      const size_t step = skip_one(text);
      if (step == kNone) return false;
      text.remove_prefix(step);
    }
  }
  return segments_.back().pieces.empty() || text.empty();
}

}  // namespace eventd::engine
