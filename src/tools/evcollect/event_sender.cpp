#include "tools/evcollect/event_sender.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace eventd::tools {
namespace {

constexpr size_t kBatch = 64;

}  // namespace

void EventSender::add(Event event) {
  if (queue_.size() == kQueueMax) {
    queue_.pop_front();
    ++dropped_;
  }
  queue_.push_back(std::move(event));
}

int EventSender::flush() {
  while (!queue_.empty()) {
    if (kmes_ == nullptr) {
      kmes_ = kmes_open(path_.empty() ? nullptr : path_.c_str(), KMES_NONBLOCK);
      if (kmes_ == nullptr) return errno;
    }
    std::array<kmes_entry, kBatch> entries{};
    const size_t count = std::min(queue_.size(), kBatch);
    for (size_t i = 0; i < count; ++i) {
      const Event& event = queue_[i];
      entries[i] = {event.type.data(), event.type.size(), event.payload.data(),
                    event.payload.size()};
    }
    unsigned int emitted = 0;
    const int failed = kmes_emit_batch(kmes_, entries.data(), static_cast<unsigned>(count), &emitted);
    const int error = failed == 0 ? 0 : errno;
    queue_.erase(queue_.begin(), queue_.begin() + emitted);
    sent_ += emitted;
    if (error == 0) continue;
    if (error == EAGAIN) return error;
    if (error == EINVAL || error == ENOSPC) {  // this one never will be taken
      queue_.pop_front();
      ++dropped_;
      continue;
    }
    kmes_close(kmes_);
    kmes_ = nullptr;
    return error;
  }
  return 0;
}

}  // namespace eventd::tools
