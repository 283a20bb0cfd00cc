#include "bench/postgres_server.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

namespace eventd::bench {
namespace {

constexpr const char* kOsUser = "postgres";
constexpr int kPort = 5432;  // only names the socket: nothing listens on TCP

}  // namespace

Result<std::unique_ptr<PostgresServer>> PostgresServer::start(const std::string& programs,
                                                              const std::string& parent_directory) {
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  ASSIGN_OR_RETURN(server->directory_, TemporaryDirectory::create(parent_directory));
  const std::string& directory = server->directory_->path();
  if (::geteuid() == 0) {
    const passwd* user = ::getpwnam(kOsUser);
    if (user == nullptr || ::chown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) {
      return Status(sqlstate::kSystemError, "PostgreSQL needs the OS user postgres");
    }
  }
  const std::string data = directory + "/data", log = directory + "/log";
  ASSIGN_OR_RETURN(auto initdb, Process::start({{programs + "/initdb", "-D", data, "--locale=C", "-E",
                                                 "UTF8", "-A", "trust", "-U", kOsUser},
                                                kOsUser, log}));
  ASSIGN_OR_RETURN([[maybe_unused]] const std::string output, initdb->read_all());
  ASSIGN_OR_RETURN(server->process_,
                   Process::start({{programs + "/postgres", "-D", data, "-k", directory, "-c",
                                    "listen_addresses=", "-p", std::to_string(kPort), "-c",
                                    "shared_buffers=1GB", "-c", "max_wal_size=4GB"},
                                   kOsUser, log}));
  server->target_ = {"PostgreSQL", directory, kPort, kOsUser, "postgres"};
  for (int tries = 0; tries < 300; ++tries) {
    if (Database::connect(server->target_).ok()) return server;
    ::usleep(100'000);
  }
  return Status(sqlstate::kSystemError, "PostgreSQL did not start");
}

PostgresServer::~PostgresServer() {
  if (process_) process_->stop(SIGINT);  // fast shutdown
}

Status PostgresServer::create_events_table() {
  ASSIGN_OR_RETURN(Database database, Database::connect(target_));
  RETURN_IF_ERROR(database.run("DROP TABLE IF EXISTS events"));
  RETURN_IF_ERROR(database.run(
      "CREATE TABLE events (timestamp timestamptz NOT NULL DEFAULT now(), event_type text NOT NULL, "
      "origin_class int2, cpu_id int4, sequence int8, process_guid uuid, effective_token_guid uuid, "
      "true_token_guid uuid, boot_id uuid, payload jsonb)"));
  RETURN_IF_ERROR(database.run("CREATE INDEX ON events (timestamp)"));
  return database.run("CHECKPOINT");
}

}  // namespace eventd::bench
