// Load by pgbench, PostgreSQL's own.
#pragma once

#include <cstdint>
#include <string>

#include "bench/database.h"
#include "result.h"

namespace eventd::bench {

struct PgbenchRun {
  std::string program;  ///< pgbench
  std::string script;   ///< its commands, see pgbench's page in PostgreSQL's manual
  bool prepared = false;  ///< else simple queries
  bool reconnect = false; ///< a connection for every transaction
  int clients = 1;
  int seconds = 3;
};

/// What one run measured.
struct PgbenchResult {
  double tps = 0;  ///< without the time of connecting, unless that is what is measured
  int64_t transactions = 0;
};

/// 58000 with pgbench's words when it or a statement failed.
Result<PgbenchResult> run_pgbench(const PgbenchRun& run, const Target& target,
                                  const std::string& work_directory);

}  // namespace eventd::bench
