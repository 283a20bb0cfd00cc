// A running EventSocket: what a client sends comes out of the ring as another parser and the scalar
// checks say, event for event, up to the first malformed message; then the connection is closed.
//
// Input: messages, each after its length (2 bytes, little-endian).
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "bytes.h"
#include "kmes/event_socket.h"
#include "kmes/event_socket_protocol.h"
#include "kmes/ring_reader.h"
#include "kmes/validate.h"
#include "tests/fuzz/frame_mutator.h"

using namespace eventd;
using namespace eventd::fuzz;

namespace {

constexpr uint32_t kEventBytesMax = 1500;
constexpr uint32_t kNesting = 16;
constexpr size_t kMessagesMax = 8;

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

class Server {
 public:
  Server() : rings_(std::move(kmes::UserRings::create(1, KMES_CAPACITY_MIN)).value()) {
    char pattern[] = "/tmp/kmes-fuzz-XXXXXX";
    if (mkdtemp(pattern) == nullptr) give_up("no temporary directory");
    directory_ = pattern;
    kmes::EventSocketOptions options;
    options.path = directory_ + "/s";
    options.limits = {kEventBytesMax, kNesting, 0};
    socket_ = std::move(kmes::EventSocket::start(*rings_, options)).value();
    reader_ = std::make_unique<kmes::RingReader>(*rings_->ring(0));
    std::snprintf(address_.sun_path, sizeof(address_.sun_path), "%s", options.path.c_str());
  }
  ~Server() {
    socket_.reset();
    rmdir(directory_.c_str());
  }

  void run(const std::vector<std::string>& messages, const std::vector<FrameEvent>& expected,
           uint64_t invalid, bool malformed) {
    const kmes::EventSocketStats before = socket_->stats();
    const UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) != 0) {
      give_up("no connection");
    }
    kmes_socket_hello hello;
    if (recv(fd.get(), &hello, sizeof(hello), 0) != static_cast<ssize_t>(sizeof(hello))) {
      give_up("no hello");
    }
    size_t seen = 0;
    for (const std::string& message : messages) {
      // After a malformed one the server may be gone; and a full ring must not block this thread,
      // which reads it.
      while (send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
             errno == EAGAIN) {
        read_ring(expected, seen);
      }
    }
    shutdown(fd.get(), SHUT_WR);
    char byte;
    while (recv(fd.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) read_ring(expected, seen);
    read_ring(expected, seen);
    const kmes::EventSocketStats after = socket_->stats();
    if (seen != expected.size()) give_up("events are missing");
    if (after.events_accepted - before.events_accepted != expected.size()) give_up("accepted");
    if (after.events_invalid + after.events_too_large -
            before.events_invalid - before.events_too_large != invalid) {
      give_up("invalid");
    }
    if ((after.protocol_errors != before.protocol_errors) != malformed) give_up("malformed");
  }

 private:
  void read_ring(const std::vector<FrameEvent>& expected, size_t& seen) {
    while (reader_->next(buffer_) == kmes::RingReader::Next::kEvent) {
      const kmes::EventView event(buffer_.data());
      if (seen == expected.size()) give_up("more events than were sent");
      if (event.type() != expected[seen].type) give_up("another type");
      if (as_text(event.payload()) != expected[seen].payload) give_up("another payload");
      ++seen;
    }
    rings_->note_drained(0, reader_->stream_pos());
  }

  std::string directory_;
  std::unique_ptr<kmes::UserRings> rings_;
  std::unique_ptr<kmes::EventSocket> socket_;
  std::unique_ptr<kmes::RingReader> reader_;
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(KMES_CAPACITY_MIN / 2);
  sockaddr_un address_{.sun_family = AF_UNIX, .sun_path = {}};
};

std::vector<std::string> split(const std::string& input) {
  std::vector<std::string> messages;
  for (size_t at = 0; at + 2 <= input.size() && messages.size() < kMessagesMax;) {
    const size_t size = static_cast<uint8_t>(input[at]) | size_t{static_cast<uint8_t>(input[at + 1])} << 8;
    at += 2;
    if (size == 0) continue;  // an empty message is an end to a reader
    messages.push_back(input.substr(at, size));
    if (messages.back().empty()) messages.pop_back();
    at += size;
  }
  return messages;
}

std::string join(const std::vector<std::string>& messages) {
  std::string input;
  for (const std::string& message : messages) {
    input += static_cast<char>(message.size());
    input += static_cast<char>(message.size() >> 8);
    input += message.substr(0, 0xffff);
  }
  return input;
}

bool acceptable(const FrameEvent& event) {
  return KMES_HEADER_FIXED_SIZE + event.type.size() + event.payload.size() <= kEventBytesMax &&
         kmes_utf8_valid_scalar(as_bytes(event.type).data(), event.type.size()) &&
         kmes_msgpack_valid_scalar(as_bytes(event.payload).data(), event.payload.size(), kNesting);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Server server;
  const auto messages = split(std::string(reinterpret_cast<const char*>(data), size));
  std::vector<FrameEvent> expected;
  uint64_t invalid = 0;
  bool malformed = false;
  for (const std::string& message : messages) {
    std::vector<FrameEvent> events;
    if (!read_frame(message, events)) {
      malformed = true;
      break;
    }
    for (FrameEvent& event : events) {
      if (acceptable(event)) {
        expected.push_back(std::move(event));
      } else {
        ++invalid;
      }
    }
  }
  server.run(messages, expected, invalid, malformed);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  FuzzRandom random(seed);
  auto messages = split(std::string(reinterpret_cast<const char*>(data), size));
  if (messages.empty() || random.below(8) == 0) messages.push_back(mutate_frame("", random));
  std::string& message = messages[random.below(messages.size())];
  message = mutate_frame(message, random);
  return give_back(join(messages), data, max_size);
}
