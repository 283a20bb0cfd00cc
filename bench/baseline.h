// Ratios that were measured before: a run that is much worse fails.
#pragma once

#include <map>
#include <string>

#include "bench/report.h"

namespace eventd::bench {

/// Ratios by "name (rows)". The file has one a line: the ratio, a tab, the key; `#` begins a comment.
class Baseline {
 public:
  /// 58030 when the file can't be read, 22P02 for a line that is none.
  static Result<Baseline> read(const std::string& path);
  /// Puts the report's ratios beside what the file has of others. 58030 when it can't be written.
  static Status update(const std::string& path, const Report& report, uint64_t rows);

  /// Prints each measurement whose ratio is more than kWorseMax below; false when there is one.
  bool holds(const Report& report, uint64_t rows) const;

 private:
  static constexpr double kWorseMax = 0.15;
  Status write(const std::string& path) const;
  std::map<std::string, double> ratios_;
};

}  // namespace eventd::bench
