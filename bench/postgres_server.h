// A PostgreSQL of its own, to measure beside.
#pragma once

#include <memory>
#include <string>

#include "bench/database.h"
#include "bench/process.h"
#include "result.h"

namespace eventd::bench {

/// A new cluster (C locale, UTF-8) in a temporary directory, reached through its Unix socket, trust.
/// Settings are PostgreSQL's defaults (fsync and synchronous_commit on) but for
/// shared_buffers = 1GB and max_wal_size = 4GB. Runs as the OS user `postgres` when we are root.
class PostgresServer {
 public:
  /// `programs` is the folder of initdb and postgres. 58000 when they are missing or don't start.
  static Result<std::unique_ptr<PostgresServer>> start(const std::string& programs,
                                                       const std::string& parent_directory);
  /// Ends it and removes the directory.
  ~PostgresServer();

  const Target& target() const { return target_; }
  /// Of all its processes.
  double cpu_seconds() const { return process_->tree_cpu_seconds(); }
  /// The table `events` as eventd has it, with the index on time; any earlier one goes.
  Status create_events_table();

 private:
  PostgresServer() = default;
  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<Process> process_;
  Target target_;
};

}  // namespace eventd::bench
