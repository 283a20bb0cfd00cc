// The server without its sockets: opens the stores, starts the pipeline, makes sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "result.h"

namespace eventd::kmes {
class UserRings;
}

namespace eventd::engine {

class Session;
class Settings;

/// A role as authentication needs it.
struct RoleLogin {
  std::string name;
  bool can_login = false;
  bool superuser = false;
  /// SCRAM-SHA-256$iterations:salt$stored:server, empty = no password.
  std::string scram_verifier;
};

/// What pgwire knows of a new connection after authentication.
struct SessionIdentity {
  std::string role;
  std::string database;
  bool superuser = false;
  std::string client_address;  ///< for pg_stat_activity; empty = Unix socket
};

/// Owns everything below the protocol. Thread-safe after start().
class Engine {
 public:
  /// Locks the data directory, opens or creates stores, starts rings, drain and writer threads;
  /// the backlog is committed and synthetic.startup written when it returns. Any failure is final.
  static Result<std::unique_ptr<Engine>> start(std::unique_ptr<Settings> settings);
  /// stop() if not stopped.
  ~Engine();
  /// Drains, commits, writes synthetic.shutdown, closes. REQUIRES: no session left. 58030 when not
  /// everything could be committed. Idempotent.
  Status stop();
  /// Reads the settings again, opens the log anew and looks for shard files that came or went; what is
  /// wrong stays as it was, with a warning.
  void reload();
  /// Writes what everything is doing to <data_directory>/dump.<pid>.txt and to the log.
  void dump_state() const;

  Settings& settings();
  const Settings& settings() const;
  kmes::UserRings& rings();
  const std::string& data_directory() const;
  const std::string& run_directory() const;

  /// Null when there is no such role (callers must not tell the client).
  std::optional<RoleLogin> find_role(std::string_view name) const;
  bool database_exists(std::string_view name) const;

  /// A session with its own backend pid and cancel key.
  std::unique_ptr<Session> make_session(const SessionIdentity& identity);
  /// CancelRequest: cancels the running statement of that session if pid and key match. Any thread.
  void cancel(int32_t backend_pid, int32_t secret_key);

  struct Impl;

 private:
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
