// Who may connect from where, and how they prove it: pg_hba.conf's rules.
// Source: PostgreSQL 15 documentation, "The pg_hba.conf File".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace eventd::pgwire {

enum class AuthMethod : uint8_t { kTrust, kReject, kPeer, kScramSha256, kCert };

/// An IPv4 (as ::ffff:a.b.c.d) or IPv6 address.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool is_v4 = false;
  /// 127.0.0.0/8 or ::1.
  bool is_loopback() const;
  static std::optional<IpAddress> parse(std::string_view text);
};

/// The other end of a connection, as the socket tells it.
struct Peer {
  bool unix_socket = false;
  std::optional<uint32_t> uid;  ///< SO_PEERCRED, Unix sockets only
  IpAddress address;            ///< TCP only
  std::string address_text;     ///< empty for Unix sockets
};

/// One line.
struct HbaRule {
  enum class Type : uint8_t { kLocal, kHost, kHostSsl, kHostNoSsl };
  Type type = Type::kLocal;
  std::vector<std::string> databases;  ///< "all" or names
  std::vector<std::string> roles;      ///< "all" or names
  IpAddress network;
  int prefix_bits = 0;  ///< of 128; IPv4 prefixes count from bit 96
  bool any_address = false;
  AuthMethod method = AuthMethod::kReject;

  bool matches(const Peer& peer, bool tls, std::string_view database, std::string_view role) const;
};

/// An ordered list; the first rule that matches decides. Immutable after parse().
class HbaRules {
 public:
  /// Rules separated by commas, semicolons or newlines; `#` starts a comment. Several databases or
  /// roles in one rule are written `a|b`. The text may be wrapped in `[…]` and each rule in quotes.
  /// Empty = the defaults: peer on the Unix socket, scram-sha-256 everywhere else. F0000 naming the
  /// rule.
  static Result<HbaRules> parse(std::string_view text);

  /// The rule's method, or nullopt when none matches (refuse).
  std::optional<AuthMethod> find(const Peer& peer, bool tls, std::string_view database,
                                 std::string_view role) const;
  const std::vector<HbaRule>& rules() const { return rules_; }

 private:
  std::vector<HbaRule> rules_;
};

}  // namespace eventd::pgwire
