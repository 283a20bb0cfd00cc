#include "kmes/peer_identity.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "kmes/stamp_guid.h"
#include "unique_fd.h"

namespace eventd::kmes {
namespace {

/// The first 4 kB of a file of /proc; empty when it can't be read.
std::string read_proc_file(pid_t pid, const char* name) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return {};
  std::string text(4096, '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

/// The real uid: first number of the line `Uid:` of /proc/PID/status.
std::optional<uid_t> read_real_uid(pid_t pid) {
  const std::string status = read_proc_file(pid, "status");
  constexpr std::string_view kLine = "\nUid:\t";
  const size_t at = status.find(kLine);
  if (at == std::string::npos) return std::nullopt;
  return parse_number<uid_t>(std::string_view(status).substr(at + kLine.size()));
}

}  // namespace

uint64_t read_process_start_time(pid_t pid) {
  const std::string stat = read_proc_file(pid, "stat");
  // Field 2 is the name in parentheses, which may itself hold spaces and parentheses.
  size_t at = stat.rfind(')');
  if (at == std::string::npos) return 0;
  for (int field = 2; field < 22; ++field) {
    at = stat.find(' ', at + 1);
    if (at == std::string::npos) return 0;
  }
  return parse_number<uint64_t>(std::string_view(stat).substr(at + 1)).value_or(0);
}

Result<PeerIdentity> read_peer_identity(int socket_fd, const Guid& boot_id) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return {sqlstate::kIoError, std::string("no peer credentials: ") + std::strerror(errno)};
  }
  PeerIdentity peer;
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  uid_t real_uid = credentials.uid;
  if (peer.pid > 0) {
    const uint64_t start_time = read_process_start_time(peer.pid);
    if (start_time != 0) {
      kmes_process_guid(boot_id.bytes.data(), static_cast<uint32_t>(peer.pid), start_time,
                        peer.stamp.process_guid.bytes.data());
      real_uid = read_real_uid(peer.pid).value_or(credentials.uid);
    }
  }
  kmes_token_guid(credentials.uid, peer.stamp.effective_token_guid.bytes.data());
  kmes_token_guid(real_uid, peer.stamp.true_token_guid.bytes.data());
  peer.stamp.origin_class = KMES_ORIGIN_USERSPACE;
  return peer;
}

}  // namespace eventd::kmes
