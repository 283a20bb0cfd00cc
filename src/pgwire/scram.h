// SCRAM-SHA-256, the server's side. Source: RFC 5802, RFC 7677, PostgreSQL 15 "SASL Authentication".
//
//   client-first   n,,n=,r=<client nonce>
//   server-first   r=<client nonce><server nonce>,s=<salt, base64>,i=<iterations>
//   client-final   c=<gs2 header, base64>,r=<nonce>,p=<proof, base64>
//   server-final   v=<server signature, base64>
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "result.h"

namespace eventd::pgwire {

inline constexpr std::string_view kScramSha256 = "SCRAM-SHA-256";

/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, as PostgreSQL stores it.
struct ScramVerifier {
  using Key = std::array<uint8_t, 32>;
  int iterations = 4096;
  std::string salt;  ///< raw bytes
  Key stored_key{}, server_key{};

  static std::optional<ScramVerifier> parse(std::string_view text);
  /// One that no password matches, the same for the same role: an unknown role looks like any other.
  static ScramVerifier mock(std::string_view role, std::string_view secret);
};

/// One exchange. Owned by one thread.
class ScramServer {
 public:
  /// `genuine` false = the exchange is played to its end and then fails.
  ScramServer(ScramVerifier verifier, bool genuine);

  /// client-first-message → server-first-message. 08P01, 28000.
  Result<std::string> first(std::string_view client_first);
  /// client-final-message → server-final-message. 08P01 when malformed, 28P01 when the proof is
  /// wrong (the caller words the message).
  Result<std::string> finish(std::string_view client_final);

  /// For tests: replaces the random part of the nonce.
  void set_server_nonce(std::string nonce) { server_nonce_ = std::move(nonce); }

 private:
  ScramVerifier verifier_;
  bool genuine_;
  std::string gs2_header_;
  std::string client_first_bare_, server_first_;
  std::string nonce_;         // client's and server's
  std::string server_nonce_;  // empty = drawn at first()
};

std::string base64_encode(std::string_view bytes);
/// Strict: length a multiple of four, no blanks.
std::optional<std::string> base64_decode(std::string_view text);
/// `count` bytes from the system's random source.
std::string random_bytes(size_t count);

}  // namespace eventd::pgwire
