#include "service/service.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "clock.h"
#include "log.h"

namespace eventd {
namespace {

using engine::Engine;
using pgwire::Server;

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
/// Of shutdown_timeout: what is kept back from running statements for draining and the last commit.
constexpr int64_t kCommitShareMax = 4;  // at most a quarter
constexpr int64_t kCommitReserveNs = 5'000 * kNanosecondsPerMillisecond;

int64_t now_ns() { return Clock::system().monotonic_ns(); }

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// The host for the ready line: the first address listened on.
std::string ready_host(const engine::Settings& settings) {
  std::string host = settings.text("listen_addresses");
  host = host.substr(0, host.find(','));
  if (host == "*" || host == "0.0.0.0" || host.empty()) return "localhost";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

void say(const Error& error) {
  std::fprintf(stderr, "eventd: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
}

}  // namespace

void Service::block_signals() {
  const sigset_t signals = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

Service::Service(std::unique_ptr<engine::Settings> settings) : settings_(std::move(settings)) {
  shutdown_timeout_ns_ = settings_->integer("shutdown_timeout") * kNanosecondsPerMillisecond;
}

Service::~Service() {
  if (worker_.joinable()) worker_.join();
}

ExitStatus Service::run() {
  const sigset_t signals = handled_signals();
  signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  work_done_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signals_.valid() || !work_done_.valid()) {
    say({sqlstate::kSystemError, "no descriptors are left for signals", {}, {}, {}, 0});
    return ExitStatus::kFailed;
  }
  manager_.status("starting");
  begin(Phase::kStarting, [this] { return start(); });
  for (;;) {
    if (const int signal = wait_for_something()) take_signal(signal);
    const int64_t now = now_ns();
    if (stop_wanted_ && now >= stop_due_ns_) exit_unfinished("shutdown_timeout has passed");
    if (is_watched() && now >= alive_due_ns_) {
      manager_.alive();
      alive_due_ns_ = now + manager_.watchdog_interval_ms() * kNanosecondsPerMillisecond;
    }
    if (uint64_t count = 0; ::read(work_done_.get(), &count, sizeof count) == sizeof count) {
      worker_.join();
      if (const auto status = finish_work()) return *status;
    }
    if (!worker_.joinable()) begin_what_is_wanted();
  }
}

void Service::begin(Phase phase, std::function<Status()> work) {
  phase_ = phase;
  worker_ = std::thread([this, work = std::move(work)] {
    work_status_ = work();
    const uint64_t one = 1;
    (void)!::write(work_done_.get(), &one, sizeof one);
  });
}

bool Service::is_watched() const {
  return manager_.watchdog_interval_ms() != 0 && (phase_ == Phase::kRunning || phase_ == Phase::kReloading);
}

int Service::wait_for_something() {
  int64_t due_ns = stop_wanted_ ? stop_due_ns_ : kNever;
  if (is_watched())
    due_ns = std::min(due_ns, alive_due_ns_);
  int timeout_ms = -1;
  if (due_ns != kNever) {
    const int64_t left_ms = (due_ns - now_ns()) / kNanosecondsPerMillisecond + 1;
    timeout_ms = static_cast<int>(std::clamp<int64_t>(left_ms, 0, 3'600'000));
  }
  pollfd waiting[] = {{signals_.get(), POLLIN, 0}, {work_done_.get(), POLLIN, 0}};
  ::poll(waiting, 2, timeout_ms);
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

void Service::take_signal(int signal) {
  if (signal == SIGHUP) {
    reload_wanted_ = true;
    return;
  }
  if (stop_wanted_) exit_unfinished("a second signal asked for it");
  stop_wanted_ = true;
  dump_wanted_ = signal == SIGQUIT;
  stop_due_ns_ = now_ns() + shutdown_timeout_ns_;
  manager_.stopping("stopping");
}

std::optional<ExitStatus> Service::finish_work() {
  const Status status = std::move(work_status_);
  switch (phase_) {
    case Phase::kStarting:
      if (!status.ok()) {
        say(status.error());
        return ExitStatus::kFailed;
      }
      std::printf("%s\n", ready_text_.c_str());
      std::fflush(stdout);
      manager_.ready(ready_text_);
      break;
    case Phase::kReloading:
      // Also after a failure: the server goes on with what it had.
      if (!stop_wanted_) manager_.ready(ready_text_);
      shutdown_timeout_ns_ =
          engine_->settings().integer("shutdown_timeout") * kNanosecondsPerMillisecond;
      break;
    case Phase::kStopping:
      if (status.ok()) return ExitStatus::kStopped;
      say(status.error());
      return ExitStatus::kUnfinished;
    case Phase::kRunning: break;
  }
  phase_ = Phase::kRunning;
  return std::nullopt;
}

void Service::begin_what_is_wanted() {
  if (stop_wanted_) {
    begin(Phase::kStopping, [this, dump = dump_wanted_] { return stop(dump); });
  } else if (reload_wanted_) {
    reload_wanted_ = false;
    manager_.reloading();
    begin(Phase::kReloading, [this] { return reload(); });
  }
}

void Service::exit_unfinished(const std::string& why) {
  log::error("ended before everything was stored: " + why);
  // Without destructors: threads that hang would be waited for.
  ::_exit(static_cast<int>(ExitStatus::kUnfinished));
}

Status Service::start() {
  ASSIGN_OR_RETURN(engine_, Engine::start(std::move(settings_)));
  ASSIGN_OR_RETURN(server_, Server::start(*engine_));
  const std::string host = ready_host(engine_->settings());
  address_.emplace(engine_->data_directory(), host, server_->port(), engine_->run_directory());
  ready_text_ = "ready postgresql://admin@" + host + ":" + std::to_string(server_->port()) + "/eventd";
  return {};
}

Status Service::reload() {
  engine_->reload();
  if (Status status = server_->reload(); !status.ok()) {
    log::warning("front end not reloaded: " + status.error().message);
  }
  return {};
}

Status Service::stop(bool dump) {
  if (dump) engine_->dump_state();
  const int64_t left_ns = std::max<int64_t>(stop_due_ns_ - now_ns(), 0);
  const int64_t reserve_ns = std::min(kCommitReserveNs, shutdown_timeout_ns_ / kCommitShareMax);
  server_->stop(std::max<int64_t>(left_ns - reserve_ns, 0) / kNanosecondsPerMillisecond);
  const Status status = engine_->stop();
  address_.reset();
  server_.reset();
  engine_.reset();
  return status.ok() ? Status() : Status(Error(status.error()));
}

}  // namespace eventd
