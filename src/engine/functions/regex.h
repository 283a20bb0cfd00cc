// A compiled regular expression, prepared once a call.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string_view>
#include <vector>

#include "engine/functions/function.h"
#include "engine/functions/regex_translation.h"

namespace eventd::engine {

/// Immutable; thread-safe (RE2 is). Matching is linear in the text. RE2 can't be interrupted within one
/// match: a cancelled statement ends after it. That is about a nanosecond a byte, some tens of them
/// where groups of a long match are found; a text is no longer than query_buffer.
class Regex : public CallState {
 public:
  using Piece = re2::StringPiece;

  /// 2201B, 0A000, 22023 (flags), 54000 (too large).
  static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern, RegexFlags flags);

  bool matches(std::string_view text) const;
  /// The next match at or after byte `from`: [0] the whole, then the groups (null data = unset).
  bool find(std::string_view text, size_t from, std::vector<Piece>& groups) const;
  int group_count() const { return group_count_; }
  bool global() const { return global_; }
  /// 0A000 if what find() gives might differ from PostgreSQL (greedy and non-greedy mixed).
  Status check_extraction() const;

 private:
  Regex(const std::string& pattern, const RE2::Options& options, bool global)
      : regex_(pattern, options), global_(global) {}
  RE2 regex_;
  int group_count_ = 0;
  bool global_;
  bool mixed_greediness_ = false;
};

/// Where one row's regex comes from: the prepared state, or the row's own pattern and flags (the
/// last one compiled is kept). One thread.
class RegexSource {
 public:
  /// `flags_index` -1 = no flags argument. `base` are flags of the function itself.
  RegexSource(const CallFrame& frame, size_t pattern_index, int flags_index, RegexFlags base)
      : frame_(frame), pattern_index_(pattern_index), flags_index_(flags_index), base_(base) {}
  /// REQUIRES: pattern and flags of this row are not NULL.
  Result<const Regex*> row(uint32_t row);

 private:
  const CallFrame& frame_;
  const size_t pattern_index_;
  const int flags_index_;
  const RegexFlags base_;
  std::string pattern_, letters_;
  std::shared_ptr<const Regex> compiled_;
};

}  // namespace eventd::engine
