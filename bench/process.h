// Programs started for a measurement, and the directory they live in.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "result.h"
#include "unique_fd.h"

namespace eventd::bench {

/// A new directory, removed with everything in it when destroyed.
class TemporaryDirectory {
 public:
  /// 58030 when it can't be made below `parent`.
  static Result<std::unique_ptr<TemporaryDirectory>> create(const std::string& parent);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

struct ProcessOptions {
  std::vector<std::string> arguments;  ///< the program's path first
  std::string user;                    ///< run as this user when we are root; empty = as we are
  std::string log_path;                ///< stderr, appended; empty = ours
};

/// A child process; ends with us. Owned by one thread.
class Process {
 public:
  static Result<std::unique_ptr<Process>> start(const ProcessOptions& options);
  /// stop(SIGKILL) if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  /// The next line of its standard output. 58000 at its end or after `timeout_ms`.
  Result<std::string> read_line(int timeout_ms);
  /// Everything it still prints, then its exit status. 58000 when it wasn't 0.
  Result<std::string> read_all();
  /// Sends `signal` and waits for the end; kills it after a minute.
  void stop(int signal);
  /// CPU time of the process, its children and those it has waited for; ticks of 10 ms. Seconds.
  double tree_cpu_seconds() const;
  /// VmHWM, 0 if unknown.
  int64_t peak_rss_kib() const;

 private:
  Process(pid_t pid, UniqueFd output) : pid_(pid), output_(std::move(output)) {}
  pid_t pid_;
  UniqueFd output_;
};

}  // namespace eventd::bench
