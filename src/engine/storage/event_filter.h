// The predicates of a scan over events, compiled: a range of time for the index, and tests of rows.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/scan/relation.h"
#include "engine/storage/event_columns.h"
#include "engine/storage/number_matcher.h"
#include "engine/storage/text_matcher.h"

namespace eventd::engine {

/// Inclusive; empty when first > last.
struct TimeRange {
  int64_t first_ns = std::numeric_limits<int64_t>::min();
  int64_t last_ns = std::numeric_limits<int64_t>::max();
  bool empty() const { return first_ns > last_ns; }
  bool overlaps(int64_t min_ns, int64_t max_ns) const {
    return first_ns <= max_ns && min_ns <= last_ns;
  }
  bool covers(int64_t min_ns, int64_t max_ns) const {
    return first_ns <= min_ns && max_ns <= last_ns;
  }
};

/// A test of a numeric column.
struct NumberTest {
  EventColumn column;
  ScanPredicate::Op op;
  std::vector<int64_t> values;  ///< kIn: sorted
};
/// A test of a GUID column.
struct GuidTest {
  EventColumn column;
  ScanPredicate::Op op;
  std::vector<UuidValue> values;  ///< RFC order; kIn: sorted
};
/// A test of a text extracted from the payload.
struct PathTest {
  size_t slot;  ///< which extraction
  ScanPredicate::Op op;
  /// One in either of them; none for kIsNull, kIsNotNull.
  std::vector<TextMatcher> matcher;
  std::vector<NumberMatcher> number;
};

/// Immutable, shared by the workers of a scan.
struct EventFilter {
  TimeRange time;
  bool never = false;  ///< no row can match
  std::vector<TextMatcher> type_tests;
  std::vector<NumberTest> numbers;
  std::vector<GuidTest> guids;
  std::vector<PathTest> paths;
  std::vector<bool> payload_null_tests;  ///< true: IS NULL, false: IS NOT NULL
  uint32_t stored_columns = 0;           ///< what the tests read, without `time`

  bool time_only() const {
    return type_tests.empty() && numbers.empty() && guids.empty() && paths.empty() &&
           payload_null_tests.empty();
  }
};

/// Extractions of one scan, each done once a row however many use it.
class PathSlots {
 public:
  /// The slot of this path, made if new.
  size_t add(const std::vector<std::string>& path);
  const std::vector<std::vector<std::string>>& paths() const { return paths_; }

 private:
  std::vector<std::vector<std::string>> paths_;
};

PredicateSupport event_predicate_support(const ScanPredicate& predicate);
/// REQUIRES: every predicate is supported.
EventFilter compile_event_filter(std::span<const ScanPredicate> predicates, PathSlots& slots);

/// The tests without state of their own: numbers, GUIDs, payload NULL.
bool passes_stored_tests(const EventFilter& filter, const RawRow& row);

}  // namespace eventd::engine
