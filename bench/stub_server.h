// A server that does nothing: the most that the protocol and this machine's sockets allow.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/database.h"
#include "bench/process.h"
#include "result.h"
#include "unique_fd.h"

namespace eventd::bench {

/// Speaks PostgreSQL's protocol on a Unix socket and answers whatever is asked, simple or prepared,
/// with the same bytes: one row, one int4 column, the value 1. No TLS, no parsing. One thread a core,
/// each with its own epoll; a connection stays on the thread that accepted it.
class StubServer {
 public:
  static Result<std::unique_ptr<StubServer>> start(const std::string& parent_directory);
  ~StubServer();
  const Target& target() const { return target_; }

 private:
  StubServer() = default;
  void serve();

  std::unique_ptr<TemporaryDirectory> directory_;
  UniqueFd listener_;
  UniqueFd wake_;  // readable once stopping
  Target target_;
  std::vector<std::thread> threads_;
};

}  // namespace eventd::bench
