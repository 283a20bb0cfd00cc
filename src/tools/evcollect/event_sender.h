// Events on their way to the server, over lost connections.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "kmes/libkmes/kmes.h"
#include "tools/evcollect/process_events.h"

namespace eventd::tools {

/// A bounded queue in front of libkmes. Never blocks. Owned by one thread.
class EventSender {
 public:
  /// `path` empty: libkmes's default.
  explicit EventSender(std::string path) : path_(std::move(path)) {}
  EventSender(const EventSender&) = delete;
  EventSender& operator=(const EventSender&) = delete;
  ~EventSender() { kmes_close(kmes_); }

  /// Past kQueueMax the oldest is dropped.
  void add(Event event);
  /// Connects if need be and sends what the server takes now. 0 when nothing is left, else the errno
  /// that stopped it; call again later.
  int flush();
  bool connected() const { return kmes_ != nullptr; }
  size_t queued() const { return queue_.size(); }
  uint64_t sent_count() const { return sent_; }
  /// Lost to a full queue, or refused by the server's limits.
  uint64_t dropped_count() const { return dropped_; }

 private:
  static constexpr size_t kQueueMax = 16'384;

  std::string path_;
  struct kmes* kmes_ = nullptr;
  std::deque<Event> queue_;
  uint64_t sent_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace eventd::tools
