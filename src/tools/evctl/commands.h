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

/// Has the server copy itself to `directory`, on the server's machine. Prints how much.
Status backup(PGconn* connection, const std::string& directory);

// Without a server.

/// Checks a backup and makes it the contents of `data_directory`, which is empty or missing.
Status restore(const std::string& backup, const std::string& data_directory);

struct VacuumOptions {
  std::string data_directory;
  std::string file;         ///< only this one, which nobody else uses; empty = all of the directory
  bool only_check = false;  ///< print what it would give back, also beside a running server
};
Status vacuum(const VacuumOptions& options);

/// Copies what is readable of a shard to `output` (empty: beside it, ending in .salvaged).
Status salvage(const std::string& damaged, const std::string& output);

}  // namespace eventd::evctl
