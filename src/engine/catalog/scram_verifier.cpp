#include "engine/catalog/scram_verifier.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdlib>
#include <span>

namespace eventd::engine {
namespace {

constexpr int kIterations = 4096;  // PostgreSQL's default; clients pay for them at every login
using Key = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

std::string base64(std::span<const unsigned char> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

Key hmac(const Key& key, std::string_view text) {
  Key out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return out;
}

// Without randomness no secret can be made: better no server than a guessable one.
void fill_random(std::span<unsigned char> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
}

}  // namespace

std::string make_scram_verifier(std::string_view password) {
  std::array<unsigned char, 16> salt{};
  fill_random(salt);
  Key salted{};
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                    static_cast<int>(salt.size()), kIterations, EVP_sha256(),
                    static_cast<int>(salted.size()), salted.data());
  const Key client_key = hmac(salted, "Client Key");
  Key stored_key{};
  SHA256(client_key.data(), client_key.size(), stored_key.data());
  const Key server_key = hmac(salted, "Server Key");
  return "SCRAM-SHA-256$" + std::to_string(kIterations) + ":" + base64(salt) + "$" +
         base64(stored_key) + ":" + base64(server_key);
}

std::string random_password(size_t length) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  std::string password;
  while (password.size() < length) {
    unsigned char byte = 0;
    fill_random({&byte, 1});
    // 57 letters: bytes from 228 on would favour the first ones.
    if (byte < 228) password += kLetters[byte % kLetters.size()];
  }
  return password;
}

}  // namespace eventd::engine
