// From the first byte to AuthenticationOk: start-up packets, TLS and protocol negotiation, hba rules,
// peer and SCRAM. Knows no sockets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pgwire/backend.h"
#include "pgwire/hba.h"
#include "pgwire/scram.h"

namespace eventd::pgwire {

/// One connection's start-up. Owned by its I/O thread.
class Startup {
 public:
  enum class Next : uint8_t {
    kContinue,       ///< wait for the next message
    kStartTls,       ///< `S` was written: drop buffered input, flush, then speak TLS
    kAuthenticated,  ///< user(), database(), settings() are valid
    kRefuse,         ///< a failed login: what was written is sent after a delay, then close
    kClose,          ///< flush what was written and close
  };

  Startup(Backend& backend, std::shared_ptr<const AccessSettings> access, Peer peer,
          bool tls_available);

  /// True while messages have no type byte.
  bool expects_startup_packet() const { return stage_ == Stage::kPacket; }
  Next on_startup_packet(std::string_view body, bool tls, std::string& out);
  /// A 'p' message.
  Next on_password_message(std::string_view body, std::string& out);

  const std::string& user() const { return user_; }
  const std::string& database() const { return database_; }
  const Peer& peer() const { return peer_; }
  bool superuser() const { return superuser_; }
  /// Settings of the packet and of its `options`, in order, names as sent.
  const std::vector<std::pair<std::string, std::string>>& settings() const { return settings_; }

 private:
  enum class Stage : uint8_t { kPacket, kSaslInitial, kSaslFinal, kDone };

  Next on_protocol_30(const struct StartupPacket& packet, bool tls, std::string& out);
  Next authenticate(bool tls, std::string& out);
  Next check_peer(std::string& out);
  bool throttled() const;
  Next refuse_throttled(std::string& out);
  Next start_scram(std::string& out);
  Next accept(std::string& out);
  Next fatal(std::string& out, SqlState code, std::string message);
  Status parse_options(std::string_view options);

  Backend& backend_;
  std::shared_ptr<const AccessSettings> access_;
  Peer peer_;
  bool tls_available_;
  Stage stage_ = Stage::kPacket;
  bool ssl_answered_ = false, gss_answered_ = false;
  std::string user_, database_;
  bool superuser_ = false;
  std::vector<std::pair<std::string, std::string>> settings_;
  std::optional<ScramServer> scram_;
};

}  // namespace eventd::pgwire
