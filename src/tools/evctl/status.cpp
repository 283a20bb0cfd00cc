#include <cstdio>

#include "commands.h"

namespace eventd::evctl {

Status print_status(PGconn* connection) {
  std::printf("server     %s\n", PQparameterStatus(connection, "server_version"));
  const ResultPtr events(PQexec(connection, "SELECT count(*), min(timestamp), max(timestamp) FROM events"));
  if (PQresultStatus(events.get()) != PGRES_TUPLES_OK) return server_error(connection);
  std::printf("events     %s\noldest     %s\nnewest     %s\n", PQgetvalue(events.get(), 0, 0),
              PQgetvalue(events.get(), 0, 1), PQgetvalue(events.get(), 0, 2));
  return run_query(connection, "SELECT name, value FROM eventd_statistics ORDER BY name",
                   OutputForm::kTable);
}

}  // namespace eventd::evctl
