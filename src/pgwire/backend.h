// What the front end needs from the server behind it. The engine in production, a fake in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/session/engine.h"
#include "engine/session/session.h"
#include "pgwire/hba.h"
#include "pgwire/login_throttle.h"

namespace eventd::pgwire {

/// Settings a new connection goes by. Immutable snapshot; a change applies to new connections.
struct AccessSettings {
  HbaRules hba;
  bool ssl = false;  ///< a usable certificate is loaded
  size_t max_message_bytes = 32u << 20;
  int max_connections = 200;
  int superuser_reserved_connections = 3;
  int64_t authentication_timeout_ms = 10'000;
};

/// Thread-safe. Outlives every connection.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::shared_ptr<const AccessSettings> access() const = 0;
  /// Reads the settings again; on an error the old ones stay.
  virtual Status reload() { return {}; }
  virtual std::optional<engine::RoleLogin> find_role(std::string_view name) const = 0;
  virtual bool database_exists(std::string_view name) const = 0;
  virtual std::unique_ptr<engine::Session> make_session(const engine::SessionIdentity&) = 0;
  virtual void cancel(int32_t backend_pid, int32_t secret_key) = 0;
  /// Secret of this installation that makes salts for roles that don't exist; 32 bytes.
  virtual std::string_view mock_secret() const = 0;
  /// Takes one of max_connections; false = none left for this kind of role.
  virtual bool acquire_slot(bool superuser) = 0;
  virtual void release_slot() = 0;
  LoginThrottle& logins() { return logins_; }

 private:
  LoginThrottle logins_;
};

}  // namespace eventd::pgwire
