// eventd: reads the settings, starts the engine and the front end, waits for a signal.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "engine/session/engine.h"
#include "engine/session/setting_checks.h"
#include "engine/settings/settings.h"
#include "log.h"
#include "pgwire/server.h"
#include "unique_fd.h"

namespace {

using eventd::engine::Engine;
using eventd::engine::Settings;
using eventd::pgwire::Server;

constexpr char kUsage[] =
    "eventd: an event store that any PostgreSQL client can use\n"
    "\n"
    "usage: eventd [-D DIR] [-c NAME=VALUE]... [--config FILE]\n"
    "  -D DIR          data directory, created when missing (default ./data)\n"
    "  -c NAME=VALUE   a setting, over environment and file; port=0 takes a free port\n"
    "  --config FILE   instead of DIR/eventd.conf\n"
    "  --version, --help\n"
    "\n"
    "When ready it prints `ready postgresql://admin@HOST:PORT/eventd`. TERM ends it, HUP reloads.\n";

// True = go on. Otherwise the process ends with `status`.
bool parse_arguments(int argc, char** argv, Settings::Sources& sources, int& status) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "--version") {
      std::fputs(argument == "--help" ? kUsage : "eventd 0.1.0\n", stdout);
      status = 0;
      return false;
    }
    const bool known = argument == "-D" || argument == "-c" || argument == "--config";
    if (!known || i + 1 == argc) {
      std::fprintf(stderr, "eventd: %s \"%s\"\n%s", known ? "no value for" : "unknown argument",
                   argument.c_str(), kUsage);
      status = 2;
      return false;
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
        status = 2;
        return false;
      }
      sources.overrides.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    }
  }
  return true;
}

// sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET.
void notify_service_manager(const char* state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const eventd::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  if (!fd.valid() || ::sendto(fd.get(), state, std::strlen(state), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    eventd::log::warning("cannot notify the service manager");
  }
}

// The host for the ready line: the first address listened on.
std::string ready_host(const Settings& settings) {
  std::string host = settings.text("listen_addresses");
  host = host.substr(0, host.find(','));
  if (host == "*" || host == "0.0.0.0" || host.empty()) return "localhost";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

/// <data_directory>/server.address tells local tools where this server listens; gone when it ends.
class AddressFile {
 public:
  AddressFile(const Engine& engine, const std::string& host, uint16_t port)
      : path_(engine.data_directory() + "/server.address") {
    std::ofstream out(path_, std::ios::trunc);
    out << host << ' ' << port << ' ' << engine.run_directory() << '\n';
    if (!out.flush()) eventd::log::warning("cannot write " + path_);
  }
  ~AddressFile() { ::unlink(path_.c_str()); }
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

 private:
  const std::string path_;
};

int fail(const eventd::Error& error) {
  std::fprintf(stderr, "eventd: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
  return 1;
}

// Until TERM, INT or QUIT; HUP reloads.
void serve(Engine& engine, Server& server, const sigset_t& signals) {
  while (true) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) return;
    engine.settings().reload();
    if (const eventd::Status status = server.reload(); !status.ok()) {
      eventd::log::warning("front end not reloaded: " + status.error().message);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings::Sources sources;
  int status = 0;
  if (!parse_arguments(argc, argv, sources, status)) return status;
  // Blocked before any thread exists, so that only sigwait() sees them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  eventd::engine::register_setting_checks();
  auto settings = Settings::load(sources);
  if (!settings.ok()) return fail(settings.error());
  auto engine = Engine::start(std::move(*settings));
  if (!engine.ok()) return fail(engine.error());
  auto server = Server::start(**engine);
  if (!server.ok()) return fail(server.error());

  const std::string host = ready_host((*engine)->settings());
  const uint16_t port = (*server)->port();
  const AddressFile address(**engine, host, port);
  std::printf("ready postgresql://admin@%s:%u/eventd\n", host.c_str(), static_cast<unsigned>(port));
  std::fflush(stdout);
  notify_service_manager("READY=1");
  serve(**engine, **server, signals);
  notify_service_manager("STOPPING=1");
  (*server)->stop();
  (*engine)->stop();
  return 0;
}
