// Reaching a server: by URL, or by the data directory it runs on.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "result.h"

namespace eventd::evctl {

/// Where to connect: `url` wins, else what <data_directory>/server.address says.
struct Target {
  std::string url;
  std::string data_directory = "./data";
};

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using ConnectionPtr = std::unique_ptr<PGconn, Finish>;
using ResultPtr = std::unique_ptr<PGresult, Finish>;

/// What the running server wrote: one line `HOST PORT RUN_DIRECTORY`.
struct ServerAddress {
  std::string host, run_directory;
  int port = 0;
};
/// 58000 when no server runs there.
Result<ServerAddress> read_address(const std::string& data_directory);

/// postgresql://admin:PASSWORD@HOST:PORT/eventd?sslmode=require. Fails without the password file.
Result<std::string> connection_url(const std::string& data_directory);

/// Connects: by the URL, or through the Unix socket as the OS user, or with admin's password.
Result<ConnectionPtr> connect(const Target& target);

/// The server's error of a result or connection, one or more lines.
Status server_error(const PGconn* connection);

}  // namespace eventd::evctl
