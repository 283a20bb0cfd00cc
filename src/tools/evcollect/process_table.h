// The processes of this host, as /proc shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace eventd::tools {

/// One process. (pid, start_ticks) identifies it for as long as the host is up.
struct Process {
  pid_t pid = 0;
  pid_t ppid = 0;
  uid_t uid = 0;             ///< effective
  uint64_t start_ticks = 0;  ///< clock ticks since boot
  std::string comm;
  std::string exe;      ///< empty for kernel threads or without the right to see it
  std::string cmdline;  ///< arguments joined by spaces, cut at 4 kB
};

/// What changed between two scans.
struct ProcessChanges {
  std::vector<Process> started;
  std::vector<Process> exited;
};

/// Remembers the processes of the last scan. Owned by one thread.
class ProcessTable {
 public:
  /// Reads /proc; everything is `started` the first time. False, errno set, when it can't be read.
  bool scan(ProcessChanges& changes);
  size_t size() const { return processes_.size(); }

 private:
  struct Known {
    Process process;
    uint64_t scan = 0;  // the last one that saw it
  };
  std::unordered_map<pid_t, Known> processes_;
  uint64_t scans_ = 0;
};

/// Milliseconds since a process with that start time began.
int64_t milliseconds_since(uint64_t start_ticks);

}  // namespace eventd::tools
