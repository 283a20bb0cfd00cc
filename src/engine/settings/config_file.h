// Reading and writing of eventd.conf and eventd.auto.conf.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "result.h"

namespace eventd::engine {

/// One `name = value` line. Names as written; values unquoted. A list `["a", "b"]` (it may span
/// lines) becomes its elements joined by newlines.
struct ConfigEntry {
  std::string name;
  std::string value;
  int line = 0;
};

/// Parses a whole file's text. F0000 naming `file` and line.
Result<std::vector<ConfigEntry>> parse_config(const std::string& file, const std::string& text);
/// Reads and parses; a missing file is empty when `optional`.
Result<std::vector<ConfigEntry>> read_config_file(const std::string& file, bool optional);
/// Replaces the file atomically (write, fsync, rename).
Status write_config_file(const std::string& file,
                         const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace eventd::engine
