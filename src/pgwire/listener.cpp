#include "pgwire/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "log.h"

namespace eventd::pgwire {
namespace {

constexpr int kBacklog = 1024;

Status system_error(const std::string& what) {
  return {sqlstate::kSystemError, what + ": " + std::strerror(errno)};
}

uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

/// Listens on all addresses `host` stands for. Those of a family the machine lacks are left out.
Status listen_tcp(const std::string& host, uint16_t& port, std::vector<UniqueFd>& out) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* node = host == "*" ? nullptr : host.c_str();
  if (const int error = getaddrinfo(node, "0", &hints, &found); error != 0)
    return {sqlstate::kSystemError,
            "could not translate host name \"" + host + "\": " + gai_strerror(error)};
  Status last(sqlstate::kSystemError, "no address for \"" + host + "\"");
  bool any = false;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    UniqueFd fd(::socket(entry->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) continue;
    const int on = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (entry->ai_family == AF_INET6) {
      setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
      reinterpret_cast<sockaddr_in6*>(entry->ai_addr)->sin6_port = htons(port);
    } else {
      reinterpret_cast<sockaddr_in*>(entry->ai_addr)->sin_port = htons(port);
    }
    if (::bind(fd.get(), entry->ai_addr, entry->ai_addrlen) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
      last = system_error("could not listen on " + host + " port " + std::to_string(port));
      continue;
    }
    if (port == 0) port = bound_port(fd.get());  // the other addresses follow the first
    out.push_back(std::move(fd));
    any = true;
  }
  freeaddrinfo(found);
  if (any) return {};
  return last;
}

bool is_live_socket(const sockaddr_un& address) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

Status listen_unix(const std::string& path, std::vector<UniqueFd>& out) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return {sqlstate::kSystemError, "Unix socket path \"" + path + "\" is too long"};
  std::memcpy(address.sun_path, path.data(), path.size());
  if (is_live_socket(address))
    return {sqlstate::kSystemError, "another server is using the Unix socket \"" + path + "\""};
  ::unlink(path.c_str());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0777) != 0 ||  // who may connect is decided by peer authentication
      ::listen(fd.get(), kBacklog) != 0)
    return system_error("could not listen on Unix socket \"" + path + "\"");
  out.push_back(std::move(fd));
  return {};
}

}  // namespace

Result<Listeners> Listeners::open(std::string_view addresses, uint16_t port,
                                  const std::string& run_directory) {
  Listeners listeners;
  listeners.port = port;
  while (!addresses.empty()) {
    const size_t comma = std::min(addresses.find(','), addresses.size());
    std::string_view host = addresses.substr(0, comma);
    addresses.remove_prefix(std::min(comma + 1, addresses.size()));
    while (host.starts_with(' ')) host.remove_prefix(1);
    while (host.ends_with(' ')) host.remove_suffix(1);
    if (host.empty()) continue;
    RETURN_IF_ERROR(listen_tcp(std::string(host), listeners.port, listeners.sockets));
  }
  if (!run_directory.empty()) {
    const std::string path = run_directory + "/.s.PGSQL." + std::to_string(listeners.port);
    RETURN_IF_ERROR(listen_unix(path, listeners.sockets));
    listeners.unix_path = path;
  }
  if (listeners.sockets.empty())
    return {sqlstate::kConfigFileError, "nothing to listen on: listen_addresses is empty"};
  return listeners;
}

void Listeners::close() {
  sockets.clear();
  if (!unix_path.empty()) ::unlink(unix_path.c_str());
  unix_path.clear();
}

UniqueFd accept_connection(int listener, Peer& peer) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  UniqueFd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&address), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.valid()) return fd;
  peer = {};
  if (address.ss_family == AF_UNIX) {
    peer.unix_socket = true;
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0)
      peer.uid = credentials.uid;
    return fd;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  }
  peer.address_text = text.data();
  peer.address = IpAddress::parse(peer.address_text).value_or(IpAddress{});
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return fd;
}

}  // namespace eventd::pgwire
