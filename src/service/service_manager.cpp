#include "service/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "clock.h"
#include "log.h"
#include "unique_fd.h"

namespace eventd {
namespace {

constexpr int64_t kMicrosecondsPerMillisecond = 1000;

// 0 when the variable is missing or not a positive number.
int64_t number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  int64_t number = 0;
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end && number > 0 ? number : 0;
}

}  // namespace

ServiceManager::ServiceManager() {
  if (const char* path = std::getenv("NOTIFY_SOCKET")) path_ = path;
  const int64_t for_process = number_from_environment("WATCHDOG_PID");
  if (for_process != 0 && for_process != ::getpid()) return;
  const int64_t limit_us = number_from_environment("WATCHDOG_USEC");
  if (limit_us != 0)
    watchdog_interval_ms_ = std::max<int64_t>(limit_us / 2 / kMicrosecondsPerMillisecond, 1);
}

void ServiceManager::send(const std::string& message, int flags) {
  sockaddr_un address{};
  if (path_.empty() || path_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract socket
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  if (fd.valid() && ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | flags,
                             reinterpret_cast<const sockaddr*>(&address), size) >= 0) {
    return;
  }
  if (errno == EAGAIN && flags != 0) return;
  if (!warned_) log::warning("cannot notify the service manager: " + std::string(std::strerror(errno)));
  warned_ = true;
}

void ServiceManager::ready(std::string_view status) {
  send("READY=1\nSTATUS=" + std::string(status));
}

void ServiceManager::reloading() {
  const int64_t now_us = Clock::system().monotonic_ns() / 1000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now_us) + "\nSTATUS=reloading");
}

void ServiceManager::stopping(std::string_view status) {
  send("STOPPING=1\nSTATUS=" + std::string(status));
}

void ServiceManager::status(std::string_view text) { send("STATUS=" + std::string(text)); }

// Not waited for: signals would not be seen meanwhile, and another follows.
void ServiceManager::alive() { send("WATCHDOG=1", MSG_DONTWAIT); }

}  // namespace eventd
