// evcollect: this host's process starts and ends as events. See README.md.
#include <getopt.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>

#include "tools/evcollect/event_sender.h"
#include "tools/evcollect/process_table.h"

namespace eventd::tools {
namespace {

constexpr int kUsageError = 2;
constexpr int kOnceRetriesMax = 50;

struct Options {
  std::string socket;  // empty: libkmes's default
  int interval_ms = 200;
  bool once = false;
};

void print_usage(std::FILE* to) {
  std::fputs(
      "Usage: evcollect [--socket PATH] [--interval MS] [--once]\n"
      "Emits this host's process starts and ends to eventd.\n\n"
      "  --socket PATH   the server's event socket (default: libkmes's)\n"
      "  --interval MS   how often /proc is read, 10 to 60000 (default 200)\n"
      "  --once          emit the processes there are, then end\n"
      "  --help          this text\n",
      to);
}

/// Nothing when the program is to end with `exit_code`.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code) {
  static const option kOptions[] = {{"socket", required_argument, nullptr, 's'},
                                    {"interval", required_argument, nullptr, 'i'},
                                    {"once", no_argument, nullptr, 'o'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  Options options;
  exit_code = kUsageError;
  for (int c; (c = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    if (c == 's') {
      options.socket = optarg;
    } else if (c == 'i') {
      const char* end = optarg + std::strlen(optarg);
      const auto parsed = std::from_chars(optarg, end, options.interval_ms);
      if (parsed.ec != std::errc{} || parsed.ptr != end || options.interval_ms < 10 ||
          options.interval_ms > 60'000) {
        std::fprintf(stderr, "evcollect: --interval must be 10 to 60000 ms\n");
        return std::nullopt;
      }
    } else if (c == 'o') {
      options.once = true;
    } else if (c == 'h') {
      print_usage(stdout);
      exit_code = 0;
      return std::nullopt;
    } else {
      print_usage(stderr);
      return std::nullopt;
    }
  }
  if (optind != argc) {
    print_usage(stderr);
    return std::nullopt;
  }
  return options;
}

/// Sleeps; true when TERM or INT came meanwhile. REQUIRES: both blocked.
bool sleep_or_signal(int milliseconds) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  const timespec timeout{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  return sigtimedwait(&ends, nullptr, &timeout) > 0;
}

/// Says when the connection comes and goes, once each.
class ConnectionLog {
 public:
  void note(const EventSender& sender, int error) {
    const int problem = error == EAGAIN ? 0 : error;
    if (problem == last_problem_) return;
    last_problem_ = problem;
    if (problem != 0) {
      std::fprintf(stderr, "evcollect: no connection: %s; %zu events wait\n",
                   std::strerror(problem), sender.queued());
    } else {
      std::fprintf(stderr, "evcollect: connected, %llu events dropped so far\n",
                   static_cast<unsigned long long>(sender.dropped_count()));
    }
  }

 private:
  int last_problem_ = 0;
};

int run(const Options& options) {
  ProcessTable table;
  ProcessChanges changes;
  EventSender sender(options.socket);
  ConnectionLog connection_log;
  std::string_view start_type = kProcessSeen;
  for (int round = 0;; ++round) {
    if (!options.once || round == 0) {
      if (!table.scan(changes)) {
        std::fprintf(stderr, "evcollect: /proc: %s\n", std::strerror(errno));
        return 1;
      }
      for (const Process& process : changes.exited) sender.add(make_exit_event(process));
      for (const Process& process : changes.started) {
        sender.add(make_process_event(start_type, process));
      }
      start_type = kProcessStart;
    }
    const int error = sender.flush();
    connection_log.note(sender, error);
    // Over its rate or the server full for a moment: go on. No server: say so.
    const bool finished = error == 0 || error != EAGAIN || round >= kOnceRetriesMax;
    if (options.once && finished) return error == 0 ? 0 : 1;
    if (sleep_or_signal(options.interval_ms)) break;
  }
  return 0;
}

}  // namespace
}  // namespace eventd::tools

int main(int argc, char** argv) {
  using namespace eventd::tools;
  int exit_code = 0;
  const auto options = parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  // Taken by sleep_or_signal(), never in the middle of something.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGINT);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  return run(*options);
}
