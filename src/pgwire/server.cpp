#include "pgwire/server.h"

#include "pgwire/connection.h"

#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <thread>
#include <vector>

#include "log.h"
#include "pgwire/backend.h"
#include "pgwire/engine_backend.h"
#include "pgwire/listener.h"

namespace eventd::pgwire {
namespace asio = boost::asio;
namespace {

/// Sockets beyond max_connections that may be in start-up or refused at a time.
constexpr int kStartupSocketsMax = 200;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kStopPoll = std::chrono::milliseconds(5);
/// After cancelling, how long statements may take to notice.
constexpr auto kCancelGrace = std::chrono::seconds(5);

struct IoThread {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  ConnectionSet set;
  std::thread thread;
};

// Null when TLS is off.
Result<std::shared_ptr<const TlsContext>> load_tls(const ServerOptions& options) {
  if (!options.ssl) return std::shared_ptr<const TlsContext>();
  TlsContext::Options tls{options.ssl_cert_file, options.ssl_key_file,
                          options.ssl_min_protocol_version};
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    tls.cert_file = options.data_directory + "/server.crt";
    tls.key_file = options.data_directory + "/server.key";
    RETURN_IF_ERROR(ensure_self_signed(tls.cert_file, tls.key_file));
  }
  return TlsContext::load(tls);
}

}  // namespace

struct Server::Impl {
  std::unique_ptr<Backend> backend;
  ServerOptions options;
  engine::Engine* engine = nullptr;       // where new options come from; null over other backends
  std::shared_ptr<const TlsContext> tls;  // thread 0 only, once it runs
  std::atomic<int> open{0};
  std::vector<std::unique_ptr<IoThread>> threads;
  Listeners listeners;
  struct Acceptor {
    asio::posix::stream_descriptor socket;
    asio::steady_timer pause;
  };
  std::vector<std::unique_ptr<Acceptor>> acceptors;  // on thread 0
  size_t next_thread = 0;                            // thread 0 only
  bool stopped = false;

  void accept(Acceptor& acceptor);
  void take(Acceptor& acceptor);
  void hand_over(UniqueFd socket, Peer peer);
  template <class F>
  void on_every_connection(F action);
  bool wait_until_empty(std::chrono::milliseconds timeout) const;
};

void Server::Impl::accept(Acceptor& acceptor) {
  acceptor.socket.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, &acceptor](boost::system::error_code error) {
                               if (!error) take(acceptor);
                             });
}

void Server::Impl::take(Acceptor& acceptor) {
  for (;;) {
    Peer peer;
    UniqueFd socket = accept_connection(acceptor.socket.native_handle(), peer);
    if (socket.valid()) {
      hand_over(std::move(socket), std::move(peer));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR) break;
    log::warning("could not accept a connection: " + std::string(std::strerror(errno)));
    acceptor.pause.expires_after(kAcceptPause);  // out of descriptors: don't spin
    acceptor.pause.async_wait([this, &acceptor](boost::system::error_code error) {
      if (!error) accept(acceptor);
    });
    return;
  }
  accept(acceptor);
}

void Server::Impl::hand_over(UniqueFd socket, Peer peer) {
  const auto access = backend->access();
  if (open.load(std::memory_order_relaxed) >= access->max_connections + kStartupSocketsMax) return;
  IoThread& thread = *threads[next_thread++ % threads.size()];
  // A Unix socket needs no TLS; `ssl = off` hides the context.
  auto context = access->ssl && !peer.unix_socket ? tls : nullptr;
  asio::post(thread.context, [this, &thread, timeout = access->authentication_timeout_ms,
                              fd = std::make_shared<UniqueFd>(std::move(socket)),
                              peer = std::move(peer), context = std::move(context)]() mutable {
    std::make_shared<Connection>(thread.context, thread.set, *backend, std::move(*fd),
                                 std::move(peer), std::move(context), timeout)
        ->start();
  });
}

template <class F>
void Server::Impl::on_every_connection(F action) {
  for (const auto& thread : threads) {
    asio::post(thread->context, [&set = thread->set, action] {
      const std::vector<std::shared_ptr<Connection>> all(set.connections.begin(),
                                                         set.connections.end());
      for (const auto& connection : all) action(*connection);
    });
  }
}

bool Server::Impl::wait_until_empty(std::chrono::milliseconds timeout) const {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (open.load(std::memory_order_acquire) > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kStopPoll);
  }
  return true;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { stop(); }
uint16_t Server::port() const { return impl_->listeners.port; }

Result<std::unique_ptr<Server>> Server::start(engine::Engine& engine) {
  ASSIGN_OR_RETURN(ServerOptions options, server_options(engine));
  ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend, make_engine_backend(engine));
  ASSIGN_OR_RETURN(std::unique_ptr<Server> server, start(std::move(backend), options));
  server->impl_->engine = &engine;
  return server;
}

Result<std::unique_ptr<Server>> Server::start(std::unique_ptr<Backend> backend,
                                              const ServerOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->backend = std::move(backend);
  impl->options = options;
  ASSIGN_OR_RETURN(impl->tls, load_tls(options));
  ASSIGN_OR_RETURN(impl->listeners, Listeners::open(options.listen_addresses, options.port,
                                                    options.run_directory));
  int count = options.io_threads;
  if (count <= 0) count = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (int i = 0; i < count; ++i) {
    impl->threads.push_back(std::make_unique<IoThread>());
    impl->threads.back()->set.open = &impl->open;
  }
  asio::io_context& context = impl->threads[0]->context;
  for (UniqueFd& socket : impl->listeners.sockets) {
    impl->acceptors.push_back(std::make_unique<Impl::Acceptor>(
        Impl::Acceptor{asio::posix::stream_descriptor(context, socket.release()),
                       asio::steady_timer(context)}));
    impl->accept(*impl->acceptors.back());
  }
  for (const auto& thread : impl->threads)
    thread->thread = std::thread([&io = thread->context] { io.run(); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Status Server::reload() {
  if (impl_->engine != nullptr) {
    ASSIGN_OR_RETURN(const ServerOptions options, server_options(*impl_->engine));
    ASSIGN_OR_RETURN(std::shared_ptr<const TlsContext> tls, load_tls(options));
    RETURN_IF_ERROR(impl_->backend->reload());
    asio::post(impl_->threads[0]->context,
               [impl = impl_.get(), tls = std::move(tls)]() mutable { impl->tls = std::move(tls); });
    return {};
  }
  return impl_->backend->reload();
}

void Server::stop() { stop(impl_->options.shutdown_timeout_ms); }

void Server::stop(int64_t statements_may_take_ms) {
  if (impl_->stopped) return;
  impl_->stopped = true;
  asio::post(impl_->threads[0]->context, [impl = impl_.get()] {
    for (const auto& acceptor : impl->acceptors) {
      acceptor->socket.close();
      acceptor->pause.cancel();
    }
    impl->listeners.close();
  });
  impl_->on_every_connection([](Connection& connection) { connection.shut_down(); });
  if (!impl_->wait_until_empty(std::chrono::milliseconds(statements_may_take_ms))) {
    impl_->on_every_connection([](Connection& connection) { connection.cancel_for_shutdown(); });
    if (!impl_->wait_until_empty(kCancelGrace)) {
      impl_->on_every_connection([](Connection& connection) { connection.abort(); });
      while (!impl_->wait_until_empty(kCancelGrace))
        log::warning("shutdown waits for a statement that does not notice its cancellation");
    }
  }
  for (const auto& thread : impl_->threads) {
    thread->work.reset();
    thread->context.stop();
    thread->thread.join();
  }
}

}  // namespace eventd::pgwire
