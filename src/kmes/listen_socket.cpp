#include "kmes/listen_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace eventd::kmes {
namespace {

constexpr int kBacklog = 128;

Status socket_error(const std::string& path, const char* what) {
  const int error = errno;
  const SqlState code =
      error == EACCES || error == EPERM ? sqlstate::kInsufficientPrivilege : sqlstate::kIoError;
  return {code, std::string("could not ") + what + " event socket \"" + path +
                    "\": " + std::strerror(error)};
}

UniqueFd make_socket() {
  return UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// Removes what a server that died left behind.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status() : socket_error(path, "look at");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return {sqlstate::kInvalidParameterValue, "\"" + path + "\" exists and is not a socket"};
  }
  const UniqueFd probe = make_socket();
  if (!probe.valid()) return socket_error(path, "create");
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN) {
    return {sqlstate::kObjectNotInPrerequisiteState,
            "another server is listening on event socket \"" + path + "\""};
  }
  if (errno != ECONNREFUSED && errno != EPROTOTYPE) return socket_error(path, "probe");
  if (errno == EPROTOTYPE) {
    return {sqlstate::kInvalidParameterValue, "\"" + path + "\" is a socket of another kind"};
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return socket_error(path, "remove stale");
  return {};
}

}  // namespace

Result<UniqueFd> listen_seqpacket(const std::string& path, uint32_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path) ||
      path.find('\0') != std::string::npos) {
    return {sqlstate::kInvalidParameterValue,
            "event socket path must have 1 to 107 bytes: \"" + path + "\""};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  RETURN_IF_ERROR(remove_stale(path, address));

  UniqueFd fd = make_socket();
  if (!fd.valid()) return socket_error(path, "create");
  // Before the bind, so that there is no moment in which others may connect.
  if (fchmod(fd.get(), mode) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return socket_error(path, "bind");
  }
  // After it, because the umask took bits away.
  if (chmod(path.c_str(), mode) != 0) return socket_error(path, "set the mode of");
  if (listen(fd.get(), kBacklog) != 0) return socket_error(path, "listen on");
  return fd;
}

}  // namespace eventd::kmes
