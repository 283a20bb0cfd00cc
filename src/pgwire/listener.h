// Listening sockets: TCP on the configured addresses and the Unix socket. No event loop here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pgwire/hba.h"
#include "result.h"
#include "unique_fd.h"

namespace eventd::pgwire {

/// The listening descriptors (non-blocking) and the port they got.
struct Listeners {
  std::vector<UniqueFd> sockets;
  uint16_t port = 0;
  std::string unix_path;  ///< empty = none; unlinked by close()

  /// Listens on every address of `addresses` ("*" = all; empty = no TCP) with one port (0 = any
  /// free one) and on `run_directory`/.s.PGSQL.<port> (a stale socket is replaced, a live one is an
  /// error). At least one must work. 58000 naming the address.
  static Result<Listeners> open(std::string_view addresses, uint16_t port,
                                const std::string& run_directory);
  void close();
};

/// Takes one connection off a listening socket; -1 = none is waiting (errno tells). Fills `peer`.
UniqueFd accept_connection(int listener, Peer& peer);

}  // namespace eventd::pgwire
