#include "bench/eventd_server.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace eventd::bench {
namespace {

constexpr int kStartTimeoutMs = 60'000;

std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string line, last;
  while (std::getline(in, line)) last = line;
  return last;
}

}  // namespace

Result<std::unique_ptr<EventdServer>> EventdServer::start(const std::string& program,
                                                          const std::string& data_directory) {
  std::unique_ptr<EventdServer> server(new EventdServer);
  const std::string log = data_directory + "/bench.log";
  ASSIGN_OR_RETURN(server->process_,
                   Process::start({{program, "-D", data_directory, "-c", "port=0", "-c",
                                    "run_directory=" + data_directory},
                                   "",
                                   log}));
  std::string line;
  while (!line.starts_with("ready ")) {
    auto next = server->process_->read_line(kStartTimeoutMs);
    if (!next.ok()) {
      return Status(sqlstate::kSystemError, program + " did not get ready: " + last_line(log));
    }
    line = std::move(*next);
  }
  // ready postgresql://admin@HOST:PORT/eventd
  const passwd* user = ::getpwuid(::geteuid());
  server->target_ = {"eventd", data_directory, std::atoi(line.c_str() + line.rfind(':') + 1),
                     user != nullptr ? user->pw_name : "root", "eventd"};
  return server;
}

EventdServer::~EventdServer() {
  if (process_) process_->stop(SIGTERM);
}

}  // namespace eventd::bench
