// What was measured, as a table and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "result.h"

namespace eventd::bench {

/// Values of one measurement's runs.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  bool empty() const { return values_.empty(); }
  size_t count() const { return values_.size(); }
  /// Nearest rank; 0 when empty. `share` in [0, 1]: 0 the least, 0.5 the median, 1 the greatest.
  double quantile(double share) const;
  double median() const { return quantile(0.5); }

 private:
  std::vector<double> values_;
};

/// One line of the table: eventd beside a peer measured in the same run.
struct Measurement {
  std::string name;
  std::string unit;
  bool higher_is_better = true;
  std::string peer{};  ///< what `peer_values` are of
  Samples eventd{};
  Samples peer_values{};
  int64_t peak_rss_kib = 0;  ///< of the eventd process so far; 0 = unknown
  std::string note{};          ///< circumstances, or why eventd has no value
  bool failed = false;

  /// How much better eventd is: 2 = twice as fast, whatever the unit. 0 = unknown.
  double ratio() const;
};

/// Collects and prints. Owned by one thread.
class Report {
 public:
  /// Keeps the measurement and prints its line at once.
  void add(Measurement measurement);
  void print_heading() const;
  /// 58030 when the file can't be written.
  Status write_json(const std::string& path, uint64_t rows, int runs) const;
  bool any_failed() const;
  const std::vector<Measurement>& measurements() const { return measurements_; }

 private:
  std::vector<Measurement> measurements_;
};

}  // namespace eventd::bench
