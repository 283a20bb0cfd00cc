#include "tools/evcollect/process_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <memory>
#include <string_view>

#include "unique_fd.h"

namespace eventd::tools {
namespace {

constexpr size_t kFileBytesMax = 4096;

bool read_file(const std::string& path, std::string& text) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return false;
  text.resize(kFileBytesMax);
  const ssize_t size = read(fd.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return size >= 0;
}

template <class T>
T number(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Name, parent and start time from /proc/PID/stat. The name may hold spaces and parentheses.
bool parse_stat(std::string_view stat, Process& process) {
  const size_t open = stat.find('(');
  size_t at = stat.rfind(')');
  if (open == std::string_view::npos || at == std::string_view::npos || at < open) return false;
  process.comm = stat.substr(open + 1, at - open - 1);
  for (int field = 3; field <= 22; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string_view::npos) return false;
    if (field == 4) process.ppid = number<pid_t>(stat.substr(at + 1));
    if (field == 22) process.start_ticks = number<uint64_t>(stat.substr(at + 1));
  }
  return true;
}

/// The effective uid: second number of the line `Uid:` of /proc/PID/status. (The owner of the
/// directory is root for processes that may not be dumped.)
uid_t parse_effective_uid(std::string_view status) {
  constexpr std::string_view kLine = "\nUid:\t";
  const size_t line = status.find(kLine);
  if (line == std::string_view::npos) return 0;
  const size_t second = status.find('\t', line + kLine.size());
  return second == std::string_view::npos ? 0 : number<uid_t>(status.substr(second + 1));
}

/// What is read only of a process that is new.
void read_details(const std::string& directory, Process& process) {
  std::string status;
  if (read_file(directory + "/status", status)) process.uid = parse_effective_uid(status);
  char target[kFileBytesMax];
  const ssize_t length = readlink((directory + "/exe").c_str(), target, sizeof(target));
  if (length > 0) process.exe.assign(target, static_cast<size_t>(length));
  if (!read_file(directory + "/cmdline", process.cmdline)) process.cmdline.clear();
  while (!process.cmdline.empty() && process.cmdline.back() == '\0') process.cmdline.pop_back();
  for (char& c : process.cmdline) {
    if (c == '\0') c = ' ';
  }
}

}  // namespace

bool ProcessTable::scan(ProcessChanges& changes) {
  changes.started.clear();
  changes.exited.clear();
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (proc == nullptr) return false;
  ++scans_;
  std::string stat;
  while (const dirent* entry = readdir(proc.get())) {
    const std::string_view name = entry->d_name;
    if (name[0] < '1' || name[0] > '9') continue;
    const std::string directory = "/proc/" + std::string(name);
    Process process;
    process.pid = number<pid_t>(name);
    // Gone since readdir(): the next scan says so.
    if (!read_file(directory + "/stat", stat) || !parse_stat(stat, process)) continue;
    Known& known = processes_[process.pid];
    known.scan = scans_;
    if (known.process.pid != 0 && known.process.start_ticks == process.start_ticks) continue;
    // The pid was given away again between two scans.
    if (known.process.pid != 0) changes.exited.push_back(std::move(known.process));
    read_details(directory, process);
    changes.started.push_back(process);
    known.process = std::move(process);
  }
  std::erase_if(processes_, [&](auto& item) {
    if (item.second.scan == scans_) return false;
    changes.exited.push_back(item.second.process);
    return true;
  });
  return true;
}

int64_t milliseconds_since(uint64_t start_ticks) {
  static const auto ticks_per_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const int64_t now_ms = int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  const auto start_ms = static_cast<int64_t>(start_ticks * 1000 / ticks_per_second);
  return now_ms > start_ms ? now_ms - start_ms : 0;
}

}  // namespace eventd::tools
