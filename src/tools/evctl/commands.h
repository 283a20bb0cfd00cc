// The commands, one file each. All print to standard output and return what went wrong.
#pragma once

#include <string>

#include "connection.h"
#include "result.h"

namespace eventd::evctl {

enum class OutputForm { kTable, kCsv };

/// Runs one SQL or EQL statement and prints its rows.
Status run_query(PGconn* connection, const std::string& text, OutputForm form);

/// How an event's type is made of its fields.
struct LoadOptions {
  std::string file;       ///< "-" = standard input
  std::string type_from;  ///< comma-separated fields, joined by dots
  std::string type;       ///< or one type for all
};
/// One JSON object a line → events, in one COPY. Prints how many.
Status load(PGconn* connection, const LoadOptions& options);

/// Version, events, statistics.
Status print_status(PGconn* connection);

}  // namespace eventd::evctl
