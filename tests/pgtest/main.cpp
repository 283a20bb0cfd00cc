// pgtest --server PROGRAM FILE…                                starts that server for the scripts
// pgtest --host DIR|IP --port N [--user U] [--database D] FILE…  against a running one (PostgreSQL too)
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "script.h"
#include "server_process.h"

int main(int argc, char** argv) {
  using namespace eventd::pgtest;
  Target target;
  target.user = current_user();
  std::string program;
  std::vector<std::string> scripts;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--server" && has_value) program = argv[++i];
    else if (argument == "--host" && has_value) target.host = argv[++i];
    else if (argument == "--port" && has_value) target.port = std::atoi(argv[++i]);
    else if (argument == "--user" && has_value) target.user = argv[++i];
    else if (argument == "--database" && has_value) target.database = argv[++i];
    else scripts.push_back(argument);
  }
  if (scripts.empty() || (program.empty() && target.host.empty())) {
    std::fprintf(stderr, "usage: pgtest (--server PROGRAM | --host HOST --port N) FILE...\n");
    return 2;
  }
  int failed = 0;
  try {
    std::unique_ptr<ServerProcess> server;
    if (!program.empty()) {
      server = std::make_unique<ServerProcess>(program);
      target = server->target();
    }
    for (const std::string& script : scripts) {
      const bool passed = run_script(script, target);
      if (passed) std::printf("ok   %s\n", script.c_str());
      failed += passed ? 0 : 1;
    }
    if (server && !server->stop()) {
      std::printf("the server did not end cleanly\n");
      ++failed;
    }
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return failed == 0 ? 0 : 1;
}
