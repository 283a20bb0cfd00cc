// What systemd (or whatever set NOTIFY_SOCKET) is told. Protocol: sd_notify(3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace eventd {

/// Messages to the service manager; without one every call does nothing. Owned by one thread.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment.
  ServiceManager();

  /// Started, or a reload has ended.
  void ready(std::string_view status);
  /// Type=notify-reload: comes before the reload, ready() after it.
  void reloading();
  void stopping(std::string_view status);
  /// One line for `systemctl status`.
  void status(std::string_view text);
  /// "Still alive"; due every watchdog_interval_ms().
  void alive();
  /// Half the manager's limit, so that one late wake-up does no harm; 0 = no watchdog.
  int64_t watchdog_interval_ms() const { return watchdog_interval_ms_; }

 private:
  void send(const std::string& message, int flags = 0);

  std::string path_;  // empty = nobody listens
  int64_t watchdog_interval_ms_ = 0;
  bool warned_ = false;
};

}  // namespace eventd
