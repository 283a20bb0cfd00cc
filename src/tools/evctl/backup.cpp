#include <cstdio>
#include <filesystem>

#include "commands.h"

namespace eventd::evctl {

Status backup(PGconn* connection, const std::string& directory) {
  // The server's working directory is not ours.
  const std::string target = std::filesystem::absolute(directory).lexically_normal().string();
  const char* values[] = {target.c_str()};
  const ResultPtr result(PQexecParams(connection, "SELECT eventd_backup($1)", 1, nullptr, values, nullptr,
                                      nullptr, 0));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return server_error(connection);
  std::printf("backup in %s: %s bytes\n", target.c_str(), PQgetvalue(result.get(), 0, 0));
  return {};
}

}  // namespace eventd::evctl
