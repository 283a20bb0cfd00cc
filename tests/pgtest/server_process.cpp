#include "server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace eventd::pgtest {
namespace {

constexpr int kStartTimeoutMs = 60'000;

/// The first line of `fd`, empty on time-out.
std::string read_line(int fd) {
  std::string line;
  char c = 0;
  for (;;) {
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, kStartTimeoutMs) <= 0 || ::read(fd, &c, 1) != 1) return {};
    if (c == '\n') return line;
    line.push_back(c);
  }
}

}  // namespace

std::string current_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : "";
}

ServerProcess::ServerProcess(const std::string& program) {
  std::string path = (std::filesystem::temp_directory_path() / "pgtest.XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  directory_ = path;
  std::array<int, 2> out{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  const std::string run = "run_directory=" + directory_;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::execl(program.c_str(), program.c_str(), "-D", directory_.c_str(), "-c", "port=0", "-c",
            run.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(out[1]);
  std::string line;
  do {
    line = read_line(out[0]);
  } while (!line.empty() && !line.starts_with("ready "));
  ::close(out[0]);
  const size_t colon = line.rfind(':');
  if (line.empty() || colon == std::string::npos) {
    stop();
    throw std::runtime_error("the server did not get ready");
  }
  target_.host = directory_;
  target_.port = std::atoi(line.c_str() + colon + 1);
  target_.user = current_user();
}

bool ServerProcess::stop() {
  if (pid_ <= 0) return true;
  ::kill(pid_, SIGTERM);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

ServerProcess::~ServerProcess() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace eventd::pgtest
