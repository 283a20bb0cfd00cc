#include "bench/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace eventd::bench {
namespace {

Status system_error(const std::string& what) {
  return {sqlstate::kSystemError, what + ": " + std::strerror(errno)};
}

/// Of /proc/PID/stat: see proc(5).
struct ProcessTimes {
  pid_t parent = 0;
  int64_t own_ticks = 0;     ///< utime + stime
  int64_t waited_ticks = 0;  ///< cutime + cstime
};

ProcessTimes read_times(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/stat");
  std::string text;
  std::getline(in, text);
  // The second field is the name, in brackets, with anything in it.
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  ProcessTimes times;
  fields >> skipped >> times.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  int64_t user = 0, system = 0, waited_user = 0, waited_system = 0;
  fields >> user >> system >> waited_user >> waited_system;
  times.own_ticks = user + system;
  times.waited_ticks = waited_user + waited_system;
  return times;
}

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* arguments, int output, int log, const passwd* user) {
  ::dup2(output, STDOUT_FILENO);
  if (log >= 0) ::dup2(log, STDERR_FILENO);
  if (user != nullptr &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)) {
    ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // last: changing the user clears it
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<TemporaryDirectory>> TemporaryDirectory::create(const std::string& parent) {
  std::string path = parent + "/evbench.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return Status(sqlstate::kIoError, "cannot make a directory in " + parent + ": " + std::strerror(errno));
  }
  return std::unique_ptr<TemporaryDirectory>(new TemporaryDirectory(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<Process>> Process::start(const ProcessOptions& options) {
  if (::access(options.arguments.front().c_str(), X_OK) != 0) {
    return system_error("cannot run " + options.arguments.front());
  }
  std::vector<char*> arguments;
  for (const std::string& argument : options.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const passwd* user = nullptr;
  if (!options.user.empty() && ::geteuid() == 0) {
    user = ::getpwnam(options.user.c_str());
    if (user == nullptr) return Status(sqlstate::kSystemError, "no OS user " + options.user);
  }
  UniqueFd log;
  if (!options.log_path.empty()) {
    log.reset(::open(options.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log.valid()) return system_error("cannot open " + options.log_path);
  }
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  UniqueFd output(ends[0]);
  const UniqueFd child_output(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("fork");
  if (pid == 0) become(arguments.data(), child_output.get(), log.get(), user);
  return std::unique_ptr<Process>(new Process(pid, std::move(output)));
}

Process::~Process() { stop(SIGKILL); }

Result<std::string> Process::read_line(int timeout_ms) {
  std::string line;
  char c = 0;
  while (true) {
    pollfd wait{output_.get(), POLLIN, 0};
    if (::poll(&wait, 1, timeout_ms) <= 0 || ::read(output_.get(), &c, 1) != 1) {
      return Status(sqlstate::kSystemError, "the program printed nothing more");
    }
    if (c == '\n') return line;
    line.push_back(c);
  }
}

Result<std::string> Process::read_all() {
  std::string text;
  std::array<char, 4096> buffer;
  ssize_t size = 0;
  while ((size = ::read(output_.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return Status(sqlstate::kSystemError, "the program failed: " + text);
}

void Process::stop(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  for (int i = 0; i < 6000; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return;
    }
    ::usleep(10'000);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

double Process::tree_cpu_seconds() const {
  const ProcessTimes own = read_times(std::to_string(pid_));
  int64_t ticks = own.own_ticks + own.waited_ticks;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const ProcessTimes times = read_times(name); times.parent == pid_) ticks += times.own_ticks;
  }
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

int64_t Process::peak_rss_kib() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (in >> word) {
    int64_t kib = 0;
    if (word == "VmHWM:" && in >> kib) return kib;
  }
  return 0;
}

}  // namespace eventd::bench
