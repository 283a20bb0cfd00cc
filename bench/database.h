// A client of any server that speaks PostgreSQL's protocol, over libpq.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

#include "result.h"

namespace eventd::bench {

/// Where a server listens: `host` is the directory of its Unix socket.
struct Target {
  std::string label;  ///< for the report
  std::string host;
  int port = 0;
  std::string user;
  std::string database;
};

/// One connection. Used by one thread at a time.
class Database {
 public:
  static Result<Database> connect(const Target& target);

  /// Runs one statement, fetches all rows as text. The server's SQLSTATE and message on failure.
  Result<int> rows(const std::string& sql);
  Status run(const std::string& sql);

  /// COPY … FROM STDIN: begin, any number of pieces of data, end (the number of rows).
  Status begin_copy(const std::string& sql);
  Status put_copy_data(std::string_view data);
  Result<int64_t> end_copy();

 private:
  struct Closer {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
  };
  explicit Database(PGconn* connection) : connection_(connection) {}
  Status error(const PGresult* result) const;

  std::unique_ptr<PGconn, Closer> connection_;
};

}  // namespace eventd::bench
