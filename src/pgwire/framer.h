// Cuts the byte stream into messages. Knows no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "result.h"

namespace eventd::pgwire {

/// As PostgreSQL's MAX_STARTUP_PACKET_LENGTH.
inline constexpr size_t kStartupPacketBytesMax = 10'000;
/// Messages that carry no query text or data (PostgreSQL's PQ_SMALL_MESSAGE_LIMIT).
inline constexpr size_t kSmallMessageBytesMax = 10'000;
/// Authentication messages, whatever max_message_size says (PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH).
inline constexpr size_t kAuthenticationMessageBytesMax = 65'535;

/// One message in a buffer.
struct Frame {
  char type = 0;          ///< 0 for a start-up packet
  std::string_view body;  ///< without type and length
  size_t bytes = 0;       ///< of the whole message, to be consumed
};

enum class FrameResult : uint8_t {
  kFrame,     ///< `frame` is complete
  kNeedMore,  ///< `frame.bytes` tells the size of the whole message, 0 = not known yet
  kBad,       ///< the stream can't be read on; close
};

/// Looks at the front of `readable` without consuming it. `max_bytes` bounds the length field.
FrameResult next_frame(std::string_view readable, size_t max_bytes, Frame& frame);
FrameResult next_startup_frame(std::string_view readable, Frame& frame);
/// True for the type bytes a frontend may send after start-up.
bool is_frontend_type(char type);

/// Received bytes not yet consumed. Grows only as bytes arrive, never by what a length field
/// claims. Owned by one thread.
class InputBuffer {
 public:
  InputBuffer();
  /// Room to read into: at least 1 byte. May move the bytes: earlier views die.
  std::span<char> prepare();
  /// `count` bytes were written to prepare()'s room.
  void commit(size_t count) { end_ += count; }
  std::string_view readable() const { return {bytes_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  void consume(size_t count);
  void clear();
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace eventd::pgwire
