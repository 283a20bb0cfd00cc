// The server under measurement.
#pragma once

#include <memory>
#include <string>

#include "bench/database.h"
#include "bench/process.h"
#include "result.h"

namespace eventd::bench {

/// `eventd` with default settings, reached through its Unix socket as the OS user (a superuser).
class EventdServer {
 public:
  /// Starts `program` on `data_directory`, which outlives it; returns when it is ready. 58000, with
  /// the end of its log, when it doesn't start.
  static Result<std::unique_ptr<EventdServer>> start(const std::string& program,
                                                     const std::string& data_directory);
  /// Ends it in order.
  ~EventdServer();

  const Target& target() const { return target_; }
  double cpu_seconds() const { return process_->tree_cpu_seconds(); }
  int64_t peak_rss_kib() const { return process_->peak_rss_kib(); }

 private:
  EventdServer() = default;
  std::unique_ptr<Process> process_;
  Target target_;
};

}  // namespace eventd::bench
