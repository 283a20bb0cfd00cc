#include "bench/stub_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "bytes.h"

namespace eventd::bench {
namespace {

using namespace std::string_view_literals;

// Messages as they go over the wire: type, length with itself, body.
constexpr auto kAuthenticationOk = "R\0\0\0\x08\0\0\0\0"sv;
constexpr auto kVersion = "S\0\0\0\x18server_version\00015.0\0"sv;
constexpr auto kEncoding = "S\0\0\0\x19" "client_encoding\0UTF8\0"sv;
constexpr auto kKeyData = "K\0\0\0\x0c\0\0\0\x01\0\0\0\x01"sv;
constexpr auto kReady = "Z\0\0\0\x05I"sv;
constexpr auto kParseComplete = "1\0\0\0\x04"sv;
constexpr auto kBindComplete = "2\0\0\0\x04"sv;
constexpr auto kCloseComplete = "3\0\0\0\x04"sv;
constexpr auto kRowDescription =
    "T\0\0\0\x21\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"sv;
constexpr auto kDataRow = "D\0\0\0\x0b\0\x01\0\0\0\x01" "1"sv;
constexpr auto kComplete = "C\0\0\0\x0dSELECT 1\0"sv;

constexpr uint32_t kSslRequest = 80877103, kGssRequest = 80877104;
constexpr size_t kMessageMax = 1 << 20;

/// What one client has sent and not yet been answered.
class Client {
 public:
  explicit Client(int fd) : fd_(fd) {}

  /// False when the connection is over.
  bool answer_readable() {
    std::array<char, 16'384> buffer;
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (size <= 0) return false;
    in_.append(buffer.data(), static_cast<size_t>(size));
    out_.clear();
    size_t at = 0;
    while (true) {
      const size_t header = started_ ? 5 : 4;
      if (in_.size() - at < header) break;
      const auto length = byte_swap(load_le<uint32_t>(in_.data() + at + header - 4));
      if (length < 4 || length > kMessageMax) return false;
      if (in_.size() - at < header - 4 + length) break;
      if (!answer(at, length)) return false;
      at += header - 4 + length;
    }
    in_.erase(0, at);
    // Answers are far smaller than the socket's buffer.
    return out_.empty() ||
           ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out_.size());
  }

 private:
  bool answer(size_t at, uint32_t length) {
    if (!started_) {
      const uint32_t code = length >= 8 ? byte_swap(load_le<uint32_t>(in_.data() + at + 4)) : 0;
      if (code == kSslRequest || code == kGssRequest) {
        out_ += 'N';
        return true;
      }
      started_ = true;
      for (const auto message : {kAuthenticationOk, kVersion, kEncoding, kKeyData, kReady}) out_ += message;
      return true;
    }
    switch (in_[at]) {
      case 'Q':
        for (const auto message : {kRowDescription, kDataRow, kComplete, kReady}) out_ += message;
        return true;
      case 'P': out_ += kParseComplete; return true;
      case 'B': out_ += kBindComplete; return true;
      case 'C': out_ += kCloseComplete; return true;
      case 'D': out_ += kRowDescription; return true;
      case 'E':
        out_ += kDataRow;
        out_ += kComplete;
        return true;
      case 'S': out_ += kReady; return true;
      case 'H': return true;
      default: return false;  // Terminate, or nothing pgbench sends
    }
  }

  UniqueFd fd_;
  bool started_ = false;
  std::string in_, out_;
};

void watch(int epoll, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  (void)::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

Result<std::unique_ptr<StubServer>> StubServer::start(const std::string& parent_directory) {
  std::unique_ptr<StubServer> server(new StubServer);
  ASSIGN_OR_RETURN(server->directory_, TemporaryDirectory::create(parent_directory));
  server->target_ = {"stub", server->directory_->path(), 5432, "stub", "stub"};
  const std::string path = server->directory_->path() + "/.s.PGSQL.5432";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Status(sqlstate::kSystemError, "the path of the socket is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  server->listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  server->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!server->wake_.valid() ||
      ::bind(server->listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(server->listener_.get(), 128) != 0) {
    return Status(sqlstate::kSystemError, "cannot listen on " + path + ": " + std::strerror(errno));
  }
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    server->threads_.emplace_back([raw = server.get()] { raw->serve(); });
  }
  return server;
}

StubServer::~StubServer() {
  if (wake_.valid()) (void)::eventfd_write(wake_.get(), 1);
  for (std::thread& thread : threads_) thread.join();
}

void StubServer::serve() {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  watch(epoll.get(), listener_.get(), EPOLLIN | EPOLLEXCLUSIVE);
  watch(epoll.get(), wake_.get(), EPOLLIN);
  std::unordered_map<int, Client> clients;
  std::array<epoll_event, 64> ready;
  while (true) {
    const int count = ::epoll_wait(epoll.get(), ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<size_t>(i)].data.fd;
      if (fd == wake_.get()) return;
      if (fd == listener_.get()) {
        const int client = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) continue;
        clients.try_emplace(client, client);
        watch(epoll.get(), client, EPOLLIN);
      } else if (const auto found = clients.find(fd);
                 found != clients.end() && !found->second.answer_readable()) {
        clients.erase(found);
      }
    }
  }
}

}  // namespace eventd::bench
