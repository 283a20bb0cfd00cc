// Passwords as stored: SCRAM-SHA-256 verifiers in PostgreSQL's text form.
#pragma once

#include <string>
#include <string_view>

namespace eventd::engine {

/// `SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>` (base64) with a random salt; RFC 5802/7677,
/// the form of pg_authid.rolpassword.
std::string make_scram_verifier(std::string_view password);

/// `length` characters of [A-Za-z0-9] from the kernel's random source.
std::string random_password(size_t length);

}  // namespace eventd::engine
