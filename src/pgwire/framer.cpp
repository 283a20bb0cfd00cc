#include "pgwire/framer.h"

#include <algorithm>
#include <cstring>

#include "bytes.h"
#include "pgwire/messages.h"

namespace eventd::pgwire {
namespace {

constexpr size_t kInitialCapacity = 16 * 1024;
/// Room below which a read would be inefficient.
constexpr size_t kReadRoom = 4 * 1024;

/// The most a message of this type may claim.
size_t length_limit(char type, size_t max_bytes) {
  switch (static_cast<FrontendType>(type)) {
    case FrontendType::kSync:
    case FrontendType::kFlush:
    case FrontendType::kTerminate:
    case FrontendType::kClose:
    case FrontendType::kDescribe:
    case FrontendType::kExecute:
    case FrontendType::kCopyDone:
    case FrontendType::kCopyFail:
      return std::min(kSmallMessageBytesMax, max_bytes);
    default:
      return max_bytes;
  }
}

}  // namespace

bool is_frontend_type(char type) {
  return type != '\0' && std::string_view("BCdcfDEHFPpQSX").find(type) != std::string_view::npos;
}

FrameResult next_frame(std::string_view readable, size_t max_bytes, Frame& frame) {
  frame = {};
  if (readable.empty()) return FrameResult::kNeedMore;
  frame.type = readable[0];
  if (!is_frontend_type(frame.type)) return FrameResult::kBad;
  if (readable.size() < 5) return FrameResult::kNeedMore;
  const auto length = load_be<uint32_t>(readable.data() + 1);
  if (length < 4 || length > length_limit(frame.type, max_bytes)) return FrameResult::kBad;
  frame.bytes = size_t{1} + length;
  if (readable.size() < frame.bytes) return FrameResult::kNeedMore;
  frame.body = readable.substr(5, length - 4);
  return FrameResult::kFrame;
}

FrameResult next_startup_frame(std::string_view readable, Frame& frame) {
  frame = {};
  if (readable.size() < 4) return FrameResult::kNeedMore;
  const auto length = load_be<uint32_t>(readable.data());
  if (length < 8 || length > kStartupPacketBytesMax) return FrameResult::kBad;
  frame.bytes = length;
  if (readable.size() < frame.bytes) return FrameResult::kNeedMore;
  frame.body = readable.substr(4, length - 4);
  return FrameResult::kFrame;
}

InputBuffer::InputBuffer()
    : bytes_(new char[kInitialCapacity]), capacity_(kInitialCapacity) {}

std::span<char> InputBuffer::prepare() {
  if (capacity_ - end_ < kReadRoom) {
    if (begin_ > 0 && begin_ >= capacity_ / 2) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    } else {
      const size_t grown = capacity_ * 2;
      std::unique_ptr<char[]> bytes(new char[grown]);
      std::memcpy(bytes.get(), bytes_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
      bytes_ = std::move(bytes);
      capacity_ = grown;
    }
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

void InputBuffer::consume(size_t count) {
  begin_ += std::min(count, size());
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (capacity_ > 16 * kInitialCapacity) {  // a large message has passed: give its memory back
    bytes_.reset(new char[kInitialCapacity]);
    capacity_ = kInitialCapacity;
  }
}

void InputBuffer::clear() { consume(size()); }

}  // namespace eventd::pgwire
