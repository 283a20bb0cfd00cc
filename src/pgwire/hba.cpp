#include "pgwire/hba.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace eventd::pgwire {
namespace {

constexpr std::string_view kDefaultRules =
    "local all all peer, host all all 0.0.0.0/0 scram-sha-256, host all all ::/0 scram-sha-256";
constexpr std::string_view kBlanks = " \t\r\"'[]";

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  size_t at = 0;
  while (at < text.size()) {
    const size_t start = text.find_first_not_of(separators, at);
    if (start == std::string_view::npos) break;
    const size_t end = std::min(text.find_first_of(separators, start), text.size());
    parts.push_back(text.substr(start, end - start));
    at = end;
  }
  return parts;
}

std::vector<std::string> names(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, "|")) out.emplace_back(part);
  return out;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  for (const std::string& candidate : names) {
    if (candidate == "all" || candidate == name) return true;
  }
  return false;
}

Status bad_rule(std::string_view rule, std::string_view why) {
  return {sqlstate::kConfigFileError,
          "invalid hba rule \"" + std::string(rule) + "\": " + std::string(why)};
}

std::optional<AuthMethod> parse_method(std::string_view text) {
  if (text == "trust") return AuthMethod::kTrust;
  if (text == "reject") return AuthMethod::kReject;
  if (text == "peer") return AuthMethod::kPeer;
  if (text == "scram-sha-256") return AuthMethod::kScramSha256;
  return std::nullopt;
}

Status parse_network(std::string_view rule, std::string_view text, HbaRule& out) {
  if (text == "all") {
    out.any_address = true;
    return {};
  }
  const size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad_rule(rule, "bad address");
  const int width = address->is_v4 ? 32 : 128;
  int bits = width;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > width)
      return bad_rule(rule, "bad prefix length");
  }
  out.network = *address;
  out.prefix_bits = address->is_v4 ? bits + 96 : bits;
  return {};
}

Result<HbaRule> parse_rule(std::string_view text) {
  const std::vector<std::string_view> words = split(text, kBlanks);
  HbaRule rule;
  if (words.empty()) return bad_rule(text, "empty");
  if (words[0] == "local") rule.type = HbaRule::Type::kLocal;
  else if (words[0] == "host") rule.type = HbaRule::Type::kHost;
  else if (words[0] == "hostssl") rule.type = HbaRule::Type::kHostSsl;
  else if (words[0] == "hostnossl") rule.type = HbaRule::Type::kHostNoSsl;
  else return bad_rule(text, "type must be local, host, hostssl or hostnossl");
  const bool local = rule.type == HbaRule::Type::kLocal;
  if (words.size() != (local ? 4u : 5u))
    return bad_rule(text, local ? "expected: local database role method"
                                : "expected: type database role address method");
  rule.databases = names(words[1]);
  rule.roles = names(words[2]);
  if (!local) RETURN_IF_ERROR(parse_network(text, words[3], rule));
  const auto method = parse_method(words.back());
  if (!method) {
    return bad_rule(text, words.back() == "cert"
                              ? "method cert is not supported yet"
                              : "method must be peer, scram-sha-256, reject or trust");
  }
  rule.method = *method;
  if (rule.method == AuthMethod::kPeer && !local)
    return bad_rule(text, "method peer is for Unix sockets");
  return rule;
}

bool prefix_equal(const IpAddress& a, const IpAddress& b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int shift = 8 - rest;
  return a.bytes[whole] >> shift == b.bytes[whole] >> shift;
}

}  // namespace

bool IpAddress::is_loopback() const {
  if (is_v4) return bytes[12] == 127;
  for (size_t i = 0; i < 15; ++i) {
    if (bytes[i] != 0) return false;
  }
  return bytes[15] == 1;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  in_addr v4{};
  if (inet_pton(AF_INET, copy.c_str(), &v4) == 1) {
    address.is_v4 = true;
    address.bytes[10] = address.bytes[11] = 0xff;
    std::memcpy(address.bytes.data() + 12, &v4, 4);
    return address;
  }
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) != 1) return std::nullopt;
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  address.is_v4 = std::memcmp(address.bytes.data(), kMapped, sizeof kMapped) == 0;
  return address;
}

bool HbaRule::matches(const Peer& peer, bool tls, std::string_view database,
                      std::string_view role) const {
  if ((type == Type::kLocal) != peer.unix_socket) return false;
  if (type == Type::kHostSsl && !tls) return false;
  if (type == Type::kHostNoSsl && tls) return false;
  if (!peer.unix_socket && !any_address) {
    if (peer.address.is_v4 != network.is_v4) return false;
    if (!prefix_equal(peer.address, network, prefix_bits)) return false;
  }
  // trust is never given beyond this machine, whatever the rule's network says.
  if (method == AuthMethod::kTrust && !peer.unix_socket && !peer.address.is_loopback()) return false;
  return contains(databases, database) && contains(roles, role);
}

Result<HbaRules> HbaRules::parse(std::string_view text) {
  HbaRules rules;
  for (const std::string_view piece : split(text, ",;\n")) {
    const std::string_view line = piece.substr(0, piece.find('#'));
    if (line.find_first_not_of(kBlanks) == std::string_view::npos) continue;
    ASSIGN_OR_RETURN(HbaRule rule, parse_rule(line));
    rules.rules_.push_back(std::move(rule));
  }
  if (rules.rules_.empty() && text != kDefaultRules) return parse(kDefaultRules);
  return rules;
}

std::optional<AuthMethod> HbaRules::find(const Peer& peer, bool tls, std::string_view database,
                                         std::string_view role) const {
  for (const HbaRule& rule : rules_) {
    if (rule.matches(peer, tls, database, role)) return rule.method;
  }
  return std::nullopt;
}

}  // namespace eventd::pgwire
