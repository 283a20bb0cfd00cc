// The built server, running in a directory of its own.
#pragma once

#include <sys/types.h>

#include <string>

#include "wire_client.h"

namespace eventd::pgtest {

/// Starts the server on a free port and waits for its `ready` line; stops it and removes the
/// directory when destroyed. Throws std::runtime_error when it doesn't start.
class ServerProcess {
 public:
  explicit ServerProcess(const std::string& program);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  /// Its Unix socket, as the OS user.
  const Target& target() const { return target_; }
  /// SIGTERM and wait. True if it ended by itself with status 0.
  bool stop();

 private:
  std::string directory_;
  pid_t pid_ = -1;
  Target target_;
};

/// Name of the OS user running this.
std::string current_user();

}  // namespace eventd::pgtest
