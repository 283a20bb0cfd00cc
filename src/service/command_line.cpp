#include "service/command_line.h"

#include <cstdio>
#include <string>

namespace eventd {
namespace {

constexpr char kUsage[] =
    "eventd: an event store that any PostgreSQL client can use\n"
    "\n"
    "usage: eventd [-D DIR] [-c NAME=VALUE]... [--config FILE]\n"
    "  -D DIR          data directory, created when missing (default ./data)\n"
    "  -c NAME=VALUE   a setting, over environment and file; port=0 takes a free port\n"
    "  --config FILE   instead of DIR/eventd.conf\n"
    "  --version, --help\n"
    "\n"
    "When ready it prints `ready postgresql://admin@HOST:PORT/eventd`.\n"
    "\n"
    "signals: TERM, INT  end it in good order, a second one at once; HUP reloads\n"
    "         QUIT       writes its state to DIR/dump.PID.txt and the log, then ends it\n"
    "exit:    0 everything is stored, 1 failed, 2 wrong usage, 3 ended by shutdown_timeout or a\n"
    "         second signal before everything was stored\n";

}  // namespace

std::optional<ExitStatus> parse_command_line(int argc, char** argv,
                                             engine::Settings::Sources& sources) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "--version") {
      std::fputs(argument == "--help" ? kUsage : "eventd 0.1.0\n", stdout);
      return ExitStatus::kStopped;
    }
    const bool known = argument == "-D" || argument == "-c" || argument == "--config";
    if (!known || i + 1 == argc) {
      std::fprintf(stderr, "eventd: %s \"%s\"\n%s", known ? "no value for" : "unknown argument",
                   argument.c_str(), kUsage);
      return ExitStatus::kUsage;
    }
    const std::string value = argv[++i];
    if (argument == "-D") {
      sources.data_directory = value;
    } else if (argument == "--config") {
      sources.config_file = value;
    } else {
      const size_t equals = value.find('=');
      if (equals == std::string::npos) {
        std::fprintf(stderr, "eventd: -c wants NAME=VALUE, not \"%s\"\n", value.c_str());
        return ExitStatus::kUsage;
      }
      sources.overrides.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    }
  }
  return std::nullopt;
}

}  // namespace eventd
