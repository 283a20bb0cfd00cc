#include "bench/pgbench.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "bench/process.h"

namespace eventd::bench {
namespace {

// pgbench's reason: its first line with "error" or "FATAL", else the last.
std::string reason_in(const std::string& path) {
  std::ifstream in(path);
  std::string line, last;
  while (std::getline(in, line)) {
    if (line.find("ERROR") != std::string::npos || line.find("error:") != std::string::npos ||
        line.find("FATAL") != std::string::npos) {
      return line;
    }
    last = line;
  }
  return last;
}

}  // namespace

Result<PgbenchResult> run_pgbench(const PgbenchRun& run, const Target& target,
                                  const std::string& work_directory) {
  ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::create(work_directory));
  const std::string script = directory->path() + "/script", log = directory->path() + "/log";
  std::ofstream(script) << run.script;
  const int threads = std::min(run.clients, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  std::vector<std::string> arguments = {
      run.program, "-n", "-M", run.prepared ? "prepared" : "simple", "-f", script,
      "-c", std::to_string(run.clients), "-j", std::to_string(threads),
      "-T", std::to_string(run.seconds), "-h", target.host, "-p", std::to_string(target.port),
      "-U", target.user, target.database};
  if (run.reconnect) arguments.insert(arguments.begin() + 1, "-C");
  ASSIGN_OR_RETURN(auto process, Process::start({arguments, "", log}));
  auto output = process->read_all();
  static constexpr std::string_view kTps = "tps = ", kCount = "actually processed: ";
  const size_t at = output.ok() ? output->find(kTps) : std::string::npos;
  const size_t count = output.ok() ? output->find(kCount) : std::string::npos;
  if (at == std::string::npos || count == std::string::npos) {
    return Status(sqlstate::kSystemError, reason_in(log));
  }
  return PgbenchResult{std::atof(output->c_str() + at + kTps.size()),
                       std::atoll(output->c_str() + count + kCount.size())};
}

}  // namespace eventd::bench
