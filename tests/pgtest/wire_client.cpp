#include "wire_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "bytes.h"

namespace eventd::pgtest {
namespace {

constexpr int kReceiveTimeoutMs = 20'000;
constexpr uint32_t kMessageBytesMax = 64u << 20;

UniqueFd connect_to(const Target& target) {
  if (target.host.starts_with('/')) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = target.host + "/.s.PGSQL." + std::to_string(target.port);
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect to " + path + ": " + std::strerror(errno));
    return fd;
  }
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(target.port));
  if (inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to " + target.host + ": " + std::strerror(errno));
  return fd;
}

bool is_printable(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || byte >= 0x80) return false;
  }
  return true;
}

std::string show(std::string_view text) {
  if (is_printable(text)) return std::string(text);
  std::string out;
  bool text_like = true;
  for (const char c : text) text_like = text_like && (c == '\n' || c == '\t' || is_printable({&c, 1}));
  if (text_like) {
    for (const char c : text) {
      if (c == '\n') out += "\\n";
      else if (c == '\t') out += "\\t";
      else out.push_back(c);
    }
    return out;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  out = "x";
  for (const char c : text) {
    out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

/// Takes fields off a body; running out gives zeros and empties (it is only printed).
class Body {
 public:
  explicit Body(std::string_view bytes) : left_(bytes) {}
  template <class T>
  T integer() {
    if (left_.size() < sizeof(T)) return 0;
    const T value = load_be<T>(left_.data());
    left_.remove_prefix(sizeof(T));
    return value;
  }
  std::string string() {
    const size_t end = std::min(left_.find('\0'), left_.size());
    std::string out(left_.substr(0, end));
    left_.remove_prefix(std::min(end + 1, left_.size()));
    return out;
  }
  std::string_view bytes(size_t count) {
    const std::string_view out = left_.substr(0, count);
    left_.remove_prefix(out.size());
    return out;
  }
  bool empty() const { return left_.empty(); }
  std::string_view rest() const { return left_; }

 private:
  std::string_view left_;
};

std::string render_error(std::string_view name, Body body) {
  std::string code, position, severity;
  while (!body.empty()) {
    const char field = body.integer<char>();
    if (field == 0) break;
    const std::string value = body.string();
    if (field == 'C') code = value;
    if (field == 'V') severity = value;
    if (field == 'P') position = value;
  }
  std::string out = std::string(name) + " " + code + " severity=" + severity;
  if (!position.empty()) out += " position=" + position;
  return out;
}

std::string render_row_description(Body body) {
  std::string out = "RowDescription";
  const int count = body.integer<int16_t>();
  for (int i = 0; i < count; ++i) {
    const std::string name = body.string();
    body.integer<uint32_t>();
    body.integer<int16_t>();
    const auto type = body.integer<uint32_t>();
    body.integer<int16_t>();
    body.integer<int32_t>();
    const auto format = body.integer<int16_t>();
    out += " " + name + ":" + std::to_string(type) + (format != 0 ? ":binary" : "");
  }
  return out;
}

std::string render_data_row(Body body) {
  std::string out = "DataRow";
  const int count = body.integer<int16_t>();
  for (int i = 0; i < count; ++i) {
    out += i == 0 ? " " : " | ";
    const auto size = body.integer<int32_t>();
    out += size < 0 ? "NULL" : show(body.bytes(static_cast<size_t>(size)));
  }
  return out;
}

std::string render_list(std::string out, Body body) {
  const int count = body.integer<int16_t>();
  for (int i = 0; i < count; ++i) out += " " + std::to_string(body.integer<uint32_t>());
  return out;
}

}  // namespace

WireClient::WireClient(const Target& target) : socket_(connect_to(target)) {}

void WireClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;  // the server closed: the script sees it when it reads
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

bool WireClient::read_exactly(char* to, size_t count) {
  while (count > 0) {
    pollfd wait{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, kReceiveTimeoutMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) throw std::runtime_error("timed out waiting for the server");
    const ssize_t got = ::recv(socket_.get(), to, count, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

int WireClient::receive_byte() {
  char byte = 0;
  return read_exactly(&byte, 1) ? static_cast<unsigned char>(byte) : -1;
}

Message WireClient::receive() {
  Message message;
  char head[5];
  if (!read_exactly(head, sizeof head)) return message;
  const auto length = load_be<uint32_t>(head + 1);
  if (length < 4 || length > kMessageBytesMax) throw std::runtime_error("bad length from the server");
  message.body.resize(length - 4);
  if (!read_exactly(message.body.data(), message.body.size())) return message;
  message.type = head[0];
  if (message.type == 'K') {
    Body body(message.body);
    backend_pid = body.integer<uint32_t>();
    secret_key = body.integer<uint32_t>();
  }
  return message;
}

std::string render(const Message& message) {
  Body body(message.body);
  switch (message.type) {
    case 0: return "closed";
    case 'R': return "Authentication " + std::to_string(body.integer<uint32_t>());
    case 'K': return "BackendKeyData";
    case '1': return "ParseComplete";
    case '2': return "BindComplete";
    case '3': return "CloseComplete";
    case 'C': return "CommandComplete " + body.string();
    case 'd': return "CopyData " + show(body.rest());
    case 'c': return "CopyDone";
    case 'G':
    case 'H': {
      const int format = body.integer<char>();
      return std::string(message.type == 'G' ? "CopyInResponse " : "CopyOutResponse ") +
             std::to_string(format) + " " + std::to_string(body.integer<int16_t>());
    }
    case 'D': return render_data_row(body);
    case 'I': return "EmptyQueryResponse";
    case 'E': return render_error("ErrorResponse", body);
    case 'N': return render_error("NoticeResponse", body);
    case 'n': return "NoData";
    case 't': return render_list("ParameterDescription", body);
    case 's': return "PortalSuspended";
    case 'T': return render_row_description(body);
    case 'V': return "FunctionCallResponse";
    case 'Z': return "ReadyForQuery " + show(body.rest());
    case 'S': {
      const std::string name = body.string();
      return "ParameterStatus " + name + "=" + body.string();
    }
    case 'v': {
      body.integer<uint32_t>();
      std::string out = "NegotiateProtocolVersion";
      const auto count = body.integer<uint32_t>();
      for (uint32_t i = 0; i < count && !body.empty(); ++i) out += " " + body.string();
      return out;
    }
    default: return std::string("unknown ") + message.type;
  }
}

}  // namespace eventd::pgtest
