// A blocking client that speaks raw protocol messages and prints what comes back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unique_fd.h"

namespace eventd::pgtest {

/// Where the server is. `host` starting with '/' = directory of the Unix socket.
struct Target {
  std::string host;
  int port = 5432;
  std::string user;
  std::string database = "postgres";
};

struct Message {
  char type = 0;  ///< 0 = the connection was closed
  std::string body;
};

/// One connection. Throws std::runtime_error on time-out and broken frames.
class WireClient {
 public:
  /// Connects the socket only.
  explicit WireClient(const Target& target);
  void send(std::string_view bytes);
  Message receive();
  /// One raw byte (the answer to SSLRequest); -1 = closed.
  int receive_byte();
  uint32_t backend_pid = 0, secret_key = 0;

 private:
  bool read_exactly(char* to, size_t count);
  UniqueFd socket_;
};

/// A message as the scripts write it, one line.
std::string render(const Message& message);

}  // namespace eventd::pgtest
