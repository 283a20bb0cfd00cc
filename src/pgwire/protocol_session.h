// One connection's protocol state, without its socket: bytes in, bytes out.
//
// What happens is written down as an Activity (what is being done) and a Wait (why it can't go on
// now). run() goes on until it needs input or must wait; the connection then writes output() and
// calls again when there is input, when output was taken, or when resume() was posted.
//
//        bytes ──► InputBuffer ──► run(): Startup | messages ──► output() ──► bytes
//                                     │ portal: short → here, long → a step on the scan pool
//
// Two buffers a query: one being sent, one being filled. A step starts only when output() is empty.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session/session.h"
#include "pgwire/backend.h"
#include "pgwire/framer.h"
#include "pgwire/message_writer.h"
#include "pgwire/messages.h"
#include "pgwire/open_portal.h"
#include "pgwire/startup.h"

namespace eventd::pgwire {

/// What a protocol session needs from the connection that carries it.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  /// A callable for any thread: posts ProtocolSession::resume(ticket) to the connection's thread
  /// if the connection still exists then.
  virtual engine::Wake make_wake(uint64_t ticket) = 0;
  /// The same, but keeps the connection (and its session) alive until resume() has run. Called once.
  virtual engine::Wake make_completion(uint64_t ticket) = 0;
  /// A callable for any thread, any number of times: posts ProtocolSession::cancel_requested().
  virtual engine::Wake make_cancel_wake() = 0;
  /// True while no other connection uses this thread: what blocks it for a moment delays nobody.
  virtual bool thread_spare() const { return false; }
};

/// Owned by its connection, used on the connection's thread only. While a step runs on the scan
/// pool, the portal being executed belongs to the pool.
class ProtocolSession {
 public:
  /// `tls_available`: SSLRequest may be answered `S`.
  ProtocolSession(Backend& backend, ConnectionHost& host, Peer peer, bool tls_available);
  ~ProtocolSession();

  InputBuffer& input() { return input_; }
  /// TLS is in use from now on (after wants_tls(), or a direct TLS start).
  void tls_started() { tls_ = true; }

  /// Handles buffered input and goes on with what is under way.
  void run();
  /// A wake or a completed step came in. Follow with run().
  void resume(uint64_t ticket);
  /// Bytes to send. The connection takes them (swap, clear) when nothing else is in flight.
  std::string& output() { return out_; }
  /// True while an implicit transaction waits to become durable: what says "done" to the client
  /// stays in output() until it is, and leaves in one piece with ReadyForQuery.
  bool holds_output() const { return wait_ == Wait::kWake && activity_ == Activity::kCommit; }
  /// True when run() stopped only because output() was full.
  bool waits_for_output() const { return wait_ == Wait::kOutput; }
  /// True when the connection may read: bounded while a statement runs.
  bool wants_input() const;
  /// True once after `S` was written: flush output(), then begin TLS.
  bool take_wants_tls();
  /// Nothing more will happen: flush output(), then close.
  bool finished() const { return activity_ == Activity::kClosed; }
  /// False while the scan pool holds a portal: the session must not be destroyed.
  bool can_destroy() const { return wait_ != Wait::kPool; }
  /// Start-up is over.
  bool authenticated() const { return session_ != nullptr; }

  /// A CancelRequest reached the session: a wait that can end does. Follow with run().
  void cancel_requested();
  /// When (CLOCK_MONOTONIC ns) check_time() is to be called next; kNever = need not be.
  int64_t next_deadline_ns() const;
  /// Ends what has lasted too long by now. Follow with run().
  void check_time(int64_t now_ns);
  static constexpr int64_t kNever = INT64_MAX;

  /// The socket broke or ended: cancels what runs.
  void connection_lost();
  /// FATAL 57P01: at once when idle, after the running statement otherwise.
  void shut_down();
  /// Cancels the running statement because the grace time is over.
  void cancel_for_shutdown();
  /// authentication_timeout passed: ends a connection still starting up.
  void authentication_timed_out();

 private:
  enum class Activity : uint8_t {
    kStartup,
    kMessages,          ///< next message; the only state in which one may arrive
    kSimpleNext,        ///< next statement of a Query
    kPortal,            ///< the active portal delivers
    kCopyIn,            ///< the active portal takes CopyData
    kCommit,            ///< before ReadyForQuery
    kRefused,           ///< a failed login, told after a while
    kClosed,
  };
  enum class Wait : uint8_t { kNone, kWake, kPool, kOutput };

  void run_until_blocked();
  /// The client has to send or to take something before the running statement goes on.
  bool waits_for_client() const {
    return wait_ == Wait::kOutput || (activity_ == Activity::kCopyIn && wait_ == Wait::kNone);
  }
  void poll_again();

  // Start-up (startup_flow.cpp).
  bool run_startup();
  void apply(Startup::Next next);
  void begin_session();
  void fatal(SqlState code, std::string message);

  // Messages (message_handlers.cpp, copy_in_flow.cpp). False when input is missing.
  bool run_message();
  bool run_copy_message();
  void dispatch(const Frame& frame);
  void on_query(std::string_view body);
  void on_parse(std::string_view body);
  void on_bind(std::string_view body);
  void on_describe(std::string_view body);
  void on_execute(std::string_view body);
  void on_close(std::string_view body);
  void on_function_call();
  void malformed(const Error& error);

  // Statements (statement_flow.cpp).
  void run_simple_next();
  void start_simple(std::string_view text, size_t offset);
  void begin_output(OpenPortal& portal, bool describe);
  void run_portal();
  void start_step();
  void complete_step();
  void portal_done();
  void portal_suspended();
  void finish_command();
  void run_commit();
  void ready_for_query();
  void statement_error(Error error);
  void read_settings();
  void send_reports();
  void send_notices();
  void drop_portals();
  bool refuse_in_failed_transaction(const engine::Prepared& prepared);
  engine::Wake next_wake();

  MessageWriter writer() { return MessageWriter(out_); }

  Backend& backend_;
  ConnectionHost& host_;
  std::shared_ptr<const AccessSettings> access_;
  InputBuffer input_;
  std::string out_;

  Activity activity_ = Activity::kStartup;
  Wait wait_ = Wait::kNone;
  bool tls_ = false, wants_tls_ = false;
  bool skipping_until_sync_ = false;
  bool shutting_down_ = false;
  bool lost_ = false;
  bool slot_taken_ = false;
  bool timeout_paused_ = false;

  uint64_t ticket_ = 0;      // of the wake or completion awaited
  uint64_t wake_ticket_ = 0;  // given to the pool's step
  bool early_wake_ = false;   // it fired before the step's completion arrived

  std::optional<Startup> startup_;
  std::unique_ptr<engine::Session> session_;
  uint64_t settings_version_ = 0;
  int64_t idle_timeout_ns_ = 0, idle_in_transaction_timeout_ns_ = 0;  // 0 = none
  int64_t idle_since_ns_ = 0;     // of ReadyForQuery; 0 = not idle, or no timeout is set
  int64_t seen_deadline_ns_ = 0;  // of statement_timeout, once the waiting statement was told
  int64_t refusal_due_ns_ = 0;
  std::string refusal_;

  // Simple query.
  std::string query_text_;
  std::vector<engine::StatementText> statements_;
  size_t next_statement_ = 0;
  bool simple_ = false;          // the active portal belongs to a Query
  OpenPortal simple_portal_;
  size_t statement_offset_ = 0;  // characters before the statement in its Query
  std::string pending_tag_;      // of a Query's last statement, sent after the commit
  bool has_pending_tag_ = false;

  // Extended query.
  std::map<std::string, OpenPortal, std::less<>> portals_;
  OpenPortal* active_ = nullptr;
  uint64_t row_limit_ = 0;
  uint64_t rows_sent_ = 0;  // by this Execute
  PortalStep step_;
  Parse parse_;
  Bind bind_;
};

}  // namespace eventd::pgwire
