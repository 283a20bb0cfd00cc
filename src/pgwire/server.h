// The front end: listens, gives every connection to one I/O thread, and stops in good order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "result.h"

namespace eventd::engine {
class Engine;
}

namespace eventd::pgwire {

class Backend;

/// Where to listen. start() fills it from the engine's settings.
struct ServerOptions {
  std::string listen_addresses = "localhost";  ///< comma-separated; "*" = all, "" = none
  uint16_t port = 5432;                        ///< 0 = any free one
  std::string run_directory;                   ///< for .s.PGSQL.<port>; empty = no Unix socket
  std::string data_directory;                  ///< for generated server.crt and server.key
  bool ssl = true;
  std::string ssl_cert_file, ssl_key_file;     ///< empty = generated
  std::string ssl_min_protocol_version = "TLSv1.2";
  int io_threads = 0;                          ///< 0 = cores
  int64_t shutdown_timeout_ms = 30'000;
};

/// Owns sockets and I/O threads. Thread-safe; start() and stop() are called by one thread.
class Server {
 public:
  /// Listens with the settings of `engine`, which must outlive the server. Any failure is final.
  static Result<std::unique_ptr<Server>> start(engine::Engine& engine);
  /// The same over any backend (tests, the bench stub).
  static Result<std::unique_ptr<Server>> start(std::unique_ptr<Backend> backend,
                                               const ServerOptions& options);
  /// stop() if not stopped.
  ~Server();
  /// Closes the listeners, ends idle sessions with 57P01, gives running statements so long, then
  /// cancels them. Returns when every session is gone.
  void stop(int64_t statements_may_take_ms);
  /// The same with shutdown_timeout as of the start.
  void stop();
  /// The TCP port in use (also the Unix socket's number).
  uint16_t port() const;
  /// Reads hba, limits and everything of TLS again, certificate files too: for new connections. When
  /// something is wrong, all of it stays as it was.
  Status reload();

  struct Impl;

 private:
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::pgwire
