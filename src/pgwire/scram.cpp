#include "pgwire/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <charconv>
#include <cstring>

namespace eventd::pgwire {
namespace {

using Key = ScramVerifier::Key;
constexpr size_t kSaltBytes = 16;
constexpr size_t kNonceBytes = 18;

Key hmac(std::string_view key, std::string_view data) {
  Key out{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data(), &size);
  return out;
}

Key sha256(const Key& data) {
  Key out{};
  SHA256(data.data(), data.size(), out.data());
  return out;
}

std::string_view view(const Key& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

bool to_key(std::string_view base64, Key& out) {
  const auto bytes = base64_decode(base64);
  if (!bytes || bytes->size() != out.size()) return false;
  std::memcpy(out.data(), bytes->data(), out.size());
  return true;
}

Status malformed(std::string detail) {
  return Error{sqlstate::kProtocolViolation, "malformed SCRAM message", std::move(detail), {}, {}, 0};
}

/// Takes `<name>=<value>` off the front of a comma-separated list.
bool take_attribute(std::string_view& text, char name, std::string_view& value) {
  if (text.size() < 2 || text[0] != name || text[1] != '=') return false;
  const size_t end = std::min(text.find(','), text.size());
  value = text.substr(2, end - 2);
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

bool is_printable(std::string_view text) {
  for (const char c : text) {
    if (c < 0x21 || c > 0x7e || c == ',') return false;
  }
  return !text.empty();
}

}  // namespace

std::optional<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  constexpr std::string_view kPrefix = "SCRAM-SHA-256$";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t colon = text.find(':');
  const size_t dollar = text.find('$');
  if (colon == std::string_view::npos || dollar == std::string_view::npos || colon > dollar)
    return std::nullopt;
  ScramVerifier verifier;
  const char* end = text.data() + colon;
  const auto [stop, error] = std::from_chars(text.data(), end, verifier.iterations);
  if (error != std::errc() || stop != end || verifier.iterations < 1) return std::nullopt;
  const auto salt = base64_decode(text.substr(colon + 1, dollar - colon - 1));
  if (!salt || salt->empty()) return std::nullopt;
  verifier.salt = *salt;
  const std::string_view keys = text.substr(dollar + 1);
  const size_t middle = keys.find(':');
  if (middle == std::string_view::npos) return std::nullopt;
  if (!to_key(keys.substr(0, middle), verifier.stored_key) ||
      !to_key(keys.substr(middle + 1), verifier.server_key))
    return std::nullopt;
  return verifier;
}

ScramVerifier ScramVerifier::mock(std::string_view role, std::string_view secret) {
  ScramVerifier verifier;
  verifier.salt = std::string(view(hmac(secret, role)).substr(0, kSaltBytes));
  return verifier;
}

ScramServer::ScramServer(ScramVerifier verifier, bool genuine)
    : verifier_(std::move(verifier)), genuine_(genuine) {}

Result<std::string> ScramServer::first(std::string_view client_first) {
  std::string_view text = client_first;
  if (text.empty()) return malformed("The message is empty.");
  if (text[0] == 'p')
    return Error{sqlstate::kProtocolViolation, "malformed SCRAM message",
                 "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message "
                 "includes channel binding data.", {}, {}, 0};
  if (text[0] != 'n' && text[0] != 'y') return malformed("Unexpected channel-binding flag.");
  if (text.size() < 3 || text[1] != ',') return malformed("Comma expected.");
  if (text[2] != ',')
    return Error{sqlstate::kFeatureNotSupported, "client uses authorization identity, but it is not supported", {}, {}, {}, 0};
  gs2_header_ = text.substr(0, 3);
  text.remove_prefix(3);
  client_first_bare_ = text;
  if (text.starts_with("m="))
    return Error{sqlstate::kFeatureNotSupported, "client requires an unsupported SCRAM extension", {}, {}, {}, 0};
  std::string_view user, client_nonce;  // the user name is the start-up packet's
  if (!take_attribute(text, 'n', user) || !take_attribute(text, 'r', client_nonce))
    return malformed("Attribute expected.");
  if (!is_printable(client_nonce)) return malformed("Non-printable characters in SCRAM nonce.");
  if (server_nonce_.empty()) server_nonce_ = base64_encode(random_bytes(kNonceBytes));
  nonce_ = std::string(client_nonce) + server_nonce_;
  server_first_ = "r=" + nonce_ + ",s=" + base64_encode(verifier_.salt) +
                  ",i=" + std::to_string(verifier_.iterations);
  return server_first_;
}

Result<std::string> ScramServer::finish(std::string_view client_final) {
  std::string_view text = client_final;
  std::string_view binding, nonce;
  if (!take_attribute(text, 'c', binding)) return malformed("Attribute \"c\" expected.");
  const auto header = base64_decode(binding);
  if (!header || *header != gs2_header_)
    return {sqlstate::kProtocolViolation, "unexpected SCRAM channel-binding attribute in client-final-message"};
  if (!take_attribute(text, 'r', nonce)) return malformed("Attribute \"r\" expected.");
  if (nonce != nonce_)
    return Error{sqlstate::kProtocolViolation, "invalid SCRAM response", "Nonce does not match.", {}, {}, 0};
  // Extensions before the proof are ignored, as the RFC says.
  const size_t proof_at = client_final.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed("Attribute \"p\" expected.");
  Key proof{};
  if (!to_key(client_final.substr(proof_at + 3), proof))
    return malformed("Malformed proof in client-final-message.");

  const std::string message = client_first_bare_ + "," + server_first_ + "," +
                              std::string(client_final.substr(0, proof_at));
  const Key signature = hmac(view(verifier_.stored_key), message);
  Key client_key{};
  for (size_t i = 0; i < client_key.size(); ++i) client_key[i] = proof[i] ^ signature[i];
  const Key stored = sha256(client_key);
  const bool equal = CRYPTO_memcmp(stored.data(), verifier_.stored_key.data(), stored.size()) == 0;
  const Key server_signature = hmac(view(verifier_.server_key), message);
  if (!equal || !genuine_) return {sqlstate::kInvalidPassword, "password authentication failed"};
  return "v=" + base64_encode(view(server_signature));
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a final zero
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > 4096) return std::nullopt;
  size_t padding = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '=') {
      if (i + 2 < text.size()) return std::nullopt;
      ++padding;
    } else if (padding > 0 || !(isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/')) {
      return std::nullopt;
    }
  }
  std::string out(text.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

std::string random_bytes(size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1)
    std::abort();  // no entropy: nothing secret can be made
  return out;
}

}  // namespace eventd::pgwire
