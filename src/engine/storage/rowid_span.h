// Ranges of rowids of a tail, as the zones of it give them.
#pragma once

#include <cstdint>
#include <vector>

namespace eventd::engine {

/// Inclusive.
struct RowidSpan {
  int64_t first = 0, last = 0;
  bool unknown = false;  ///< nobody has said what it holds
  bool covered = false;  ///< every row of it is asked for
  bool operator==(const RowidSpan&) const = default;
};

int64_t row_count(const std::vector<RowidSpan>& spans);

/// Adds a span after those there are: to the last one where it goes on with the same.
void append(std::vector<RowidSpan>& spans, RowidSpan span);

/// The rowids nobody has said anything of: those that were in the file before the start. Apart from
/// each other, ascending. One thread at a time.
class UnknownRowids {
 public:
  UnknownRowids() = default;
  UnknownRowids(int64_t first, int64_t last);
  bool empty() const { return spans_.empty(); }
  /// Something is known of [first, last].
  void remove(int64_t first, int64_t last);
  /// `spans` of [first, last], with the unknown rowids of it in place of what was said of them.
  std::vector<RowidSpan> overlay(std::vector<RowidSpan> spans, int64_t first, int64_t last) const;

 private:
  std::vector<RowidSpan> spans_;
};

}  // namespace eventd::engine
