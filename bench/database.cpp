#include "bench/database.h"

#include <cstdlib>

namespace eventd::bench {

Result<Database> Database::connect(const Target& target) {
  const std::string port = std::to_string(target.port);
  const char* const names[] = {"host", "port", "user", "dbname", "connect_timeout", nullptr};
  const char* const values[] = {target.host.c_str(),     port.c_str(), target.user.c_str(),
                                target.database.c_str(), "10",         nullptr};
  Database database(PQconnectdbParams(names, values, 0));
  if (PQstatus(database.connection_.get()) != CONNECTION_OK) return database.error(nullptr);
  // Notices are no figures.
  PQsetNoticeProcessor(database.connection_.get(), [](void*, const char*) {}, nullptr);
  return database;
}

Status Database::error(const PGresult* result) const {
  std::string message = result != nullptr ? PQresultErrorMessage(result) : "";
  if (message.empty()) message = PQerrorMessage(connection_.get());
  // The first line says it.
  message.resize(std::min(message.find('\n'), message.size()));
  return {sqlstate::kConnectionFailure, message};
}

Result<int> Database::rows(const std::string& sql) {
  const std::unique_ptr<PGresult, Closer> result(PQexec(connection_.get(), sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK) return PQntuples(result.get());
  if (status == PGRES_COMMAND_OK) return 0;
  return error(result.get());
}

Status Database::run(const std::string& sql) {
  ASSIGN_OR_RETURN([[maybe_unused]] const int count, rows(sql));
  return {};
}

Status Database::begin_copy(const std::string& sql) {
  const std::unique_ptr<PGresult, Closer> result(PQexec(connection_.get(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) return error(result.get());
  return {};
}

Status Database::put_copy_data(std::string_view data) {
  if (PQputCopyData(connection_.get(), data.data(), static_cast<int>(data.size())) != 1) {
    return error(nullptr);
  }
  return {};
}

Result<int64_t> Database::end_copy() {
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) return error(nullptr);
  const std::unique_ptr<PGresult, Closer> result(PQgetResult(connection_.get()));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return error(result.get());
  const int64_t count = std::atoll(PQcmdTuples(result.get()));
  while (PGresult* more = PQgetResult(connection_.get())) PQclear(more);
  return count;
}

}  // namespace eventd::bench
