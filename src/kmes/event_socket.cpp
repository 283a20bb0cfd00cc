#include "kmes/event_socket.h"

#include <unistd.h>

#include <thread>

#include "kmes/event_socket_loop.h"
#include "kmes/listen_socket.h"

namespace eventd::kmes {

struct EventSocket::Impl {
  Impl(UserRings& rings, const EventSocketOptions& options, UniqueFd listener)
      : loop(rings, options, std::move(listener)), path(options.path) {}

  EventSocketLoop loop;
  std::string path;
  std::thread thread;
};

EventSocket::EventSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventSocket::~EventSocket() { stop(); }

Result<std::unique_ptr<EventSocket>> EventSocket::start(UserRings& rings,
                                                        const EventSocketOptions& options) {
  ASSIGN_OR_RETURN(UniqueFd listener, listen_seqpacket(options.path, options.mode));
  auto impl = std::make_unique<Impl>(rings, options, std::move(listener));
  if (Status status = impl->loop.prepare(); !status.ok()) {
    unlink(options.path.c_str());
    return status;
  }
  impl->thread = std::thread([loop = &impl->loop] { loop->run(); });
  return std::unique_ptr<EventSocket>(new EventSocket(std::move(impl)));
}

void EventSocket::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->loop.request_stop();
  impl_->thread.join();
  unlink(impl_->path.c_str());
}

void EventSocket::set_limits(const EventSocketLimits& limits) { impl_->loop.set_limits(limits); }
EventSocketStats EventSocket::stats() const { return impl_->loop.stats(); }

}  // namespace eventd::kmes
