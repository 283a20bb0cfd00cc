// The life of the process: start, signals, stop. Spec: ingest.md §6 "Start and stop".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "engine/session/engine.h"
#include "engine/settings/settings.h"
#include "pgwire/server.h"
#include "result.h"
#include "service/address_file.h"
#include "service/command_line.h"
#include "service/service_manager.h"
#include "unique_fd.h"

namespace eventd {

/// Waits for signals on the thread that calls run(), and does what takes time (start, reload, stop)
/// on a thread of its own, one thing after the other: a signal is seen at once, whatever hangs.
///
/// A reload asked for before the server is ready comes right after. A stop asked for in start-up or
/// in a reload waits for its end, at most shutdown_timeout.
class Service {
 public:
  /// REQUIRES: block_signals() was called before any thread was started.
  explicit Service(std::unique_ptr<engine::Settings> settings);
  ~Service();
  /// Once. Ends the process itself (kUnfinished) when shutdown_timeout has passed or a second signal
  /// asks for it: what still runs can't be waited for.
  ExitStatus run();

  /// TERM, INT, QUIT and HUP are then only seen by run(); writing to a closed pipe is an error code.
  static void block_signals();

 private:
  enum class Phase : uint8_t { kStarting, kRunning, kReloading, kStopping };

  void begin(Phase phase, std::function<Status()> work);
  /// Up to the next signal, the end of the work or the next thing due. Returns the signal or 0.
  int wait_for_something();
  /// The service manager expects a sign of life now and then.
  bool is_watched() const;
  void take_signal(int signal);
  /// The work under way has ended. An exit status when that was the last of it.
  std::optional<ExitStatus> finish_work();
  void begin_what_is_wanted();
  [[noreturn]] void exit_unfinished(const std::string& why);

  Status start();
  Status reload();
  Status stop(bool dump);

  // The thread of run() only, unless a working thread has them.
  ServiceManager manager_;
  UniqueFd signals_, work_done_;
  Phase phase_ = Phase::kStarting;
  std::thread worker_;
  bool reload_wanted_ = false, stop_wanted_ = false, dump_wanted_ = false;
  int64_t shutdown_timeout_ns_ = 0;
  int64_t stop_due_ns_ = 0;  // monotonic; once stop_wanted_
  int64_t alive_due_ns_ = 0;

  // The working thread's while there is one.
  std::unique_ptr<engine::Settings> settings_;  // until the engine has them
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<pgwire::Server> server_;
  std::optional<AddressFile> address_;
  Status work_status_;
  std::string ready_text_;
};

}  // namespace eventd
