// LIKE patterns: compiled once, matched without recursion or backtracking beyond one `%`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/scan/cancel_token.h"
#include "result.h"

namespace eventd::engine {

/// `%` any run, `_` one character (or byte), backslash escapes. Immutable; thread-safe.
class LikePattern {
 public:
  enum class Unit : uint8_t { kCharacter, kByte };
  /// Never fails: a pattern ending with its escape fails when a match gets that far, as
  /// PostgreSQL's does.
  LikePattern(std::string_view pattern, Unit unit);
  /// 22025 "LIKE pattern must not end with escape character". A `_` after a `%` may take time in
  /// the product of both lengths: `cancel` (may be null) is asked on the way.
  Result<bool> matches(std::string_view text, const CancelToken* cancel = nullptr) const;

 private:
  /// Between two `%`: literals, each followed by any number of `_`.
  struct Piece {
    std::string literal;
    size_t any_count = 0;  ///< `_` after the literal
  };
  struct Segment {
    std::vector<Piece> pieces;
    bool bad_escape = false;  ///< ends with a lone escape character
  };
  /// Matches `segment` at the start of `text`: bytes used, or npos.
  size_t match_at(const Segment& segment, std::string_view text) const;
  size_t skip_one(std::string_view text) const;

  std::vector<Segment> segments_;  // separated by `%`
  Unit unit_;
};

}  // namespace eventd::engine
