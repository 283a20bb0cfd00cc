// md5, sha2, encode and decode.
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_helpers.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

constexpr char kHexDigits[] = "0123456789abcdef";

void append_hex(std::string_view bytes, std::string& out) {
  InterruptPacer pacer;
  out.reserve(out.size() + 2 * bytes.size());
  for (const char c : bytes) {
    if (pacer.step(4)) return;
    out += kHexDigits[static_cast<uint8_t>(c) >> 4];
    out += kHexDigits[static_cast<uint8_t>(c) & 15];
  }
}

Status digest_disabled() {
  return {sqlstate::kFeatureNotSupported, "this digest is disabled by the OpenSSL configuration"};
}

/// The same in parts, between which it may be interrupted.
Result<std::string> digest_long(const EVP_MD* algorithm, std::string_view bytes) {
  constexpr size_t kPartBytes = 4 << 20;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (algorithm == nullptr || context == nullptr || EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1)
    return digest_disabled();
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPartBytes))) {
    RETURN_IF_ERROR(check_interrupt());
    if (EVP_DigestUpdate(context.get(), bytes.data(), std::min(bytes.size(), kPartBytes)) != 1) return digest_disabled();
  }
  unsigned char buffer[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context.get(), buffer, &size) != 1) return digest_disabled();
  return std::string(reinterpret_cast<const char*>(buffer), size);
}

Result<std::string> digest(const EVP_MD* algorithm, std::string_view bytes) {
  constexpr size_t kLongBytes = 1 << 20;
  if (bytes.size() > kLongBytes) return digest_long(algorithm, bytes);
  unsigned char buffer[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (algorithm == nullptr ||
      EVP_Digest(bytes.data(), bytes.size(), buffer, &size, algorithm, nullptr) != 1)
    return digest_disabled();
  return std::string(reinterpret_cast<const char*>(buffer), size);
}

template <const EVP_MD* (*kAlgorithm)()>
Kernel sha() {
  return row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) -> Status {
    ASSIGN_OR_RETURN(const std::string hash, digest(kAlgorithm(), v.view()));
    out.copy(hash);
    return Status();
  });
}

// --- encode / decode ---

enum class Encoding { kHex, kBase64, kEscape };

Result<Encoding> encoding_of(std::string_view name) {
  if (equal_ignoring_ascii_case(name, "hex")) return Encoding::kHex;
  if (equal_ignoring_ascii_case(name, "base64")) return Encoding::kBase64;
  if (equal_ignoring_ascii_case(name, "escape")) return Encoding::kEscape;
  return {sqlstate::kInvalidParameterValue,
          "unrecognized encoding: \"" + std::string(name) + "\""};
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lines of 76 characters, as MIME.
void append_base64(std::string_view bytes, std::string& out) {
  size_t column = 0;
  InterruptPacer pacer;
  for (size_t i = 0; i < bytes.size() && !pacer.step(10); i += 3) {
    uint32_t word = 0;
    const size_t taken = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < taken ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    out += kBase64[word >> 18 & 63];
    out += kBase64[word >> 12 & 63];
    out += taken > 1 ? kBase64[word >> 6 & 63] : '=';
    out += taken > 2 ? kBase64[word & 63] : '=';
    column += 4;
    if (column >= 76 && taken == 3) {
      out += '\n';
      column = 0;
    }
  }
}

void append_escape(std::string_view bytes, std::string& out) {
  InterruptPacer pacer;
  for (const char c : bytes) {
    if (pacer.step(3)) return;
    const auto byte = static_cast<uint8_t>(c);
    if (byte == 0 || byte >= 0x80) {
      out += '\\';
      out += static_cast<char>('0' + (byte >> 6));
      out += static_cast<char>('0' + (byte >> 3 & 7));
      out += static_cast<char>('0' + (byte & 7));
    } else {
      if (c == '\\') out += '\\';
      out += c;
    }
  }
}

Status bad(std::string message) { return Status(sqlstate::kInvalidParameterValue, std::move(message)); }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string first_character(std::string_view text) {
  return std::string(text.substr(0, utf8_first_bytes(text)));
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

Status decode_hex(std::string_view text, std::string& out) {
  InterruptPacer pacer;
  for (size_t i = 0; i < text.size();) {
    if (pacer.step(5)) return check_interrupt();
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    const int high = hex_value(text[i]);
    if (high < 0)
      return bad("invalid hexadecimal digit: \"" + first_character(text.substr(i)) + "\"");
    if (++i >= text.size()) return bad("invalid hexadecimal data: odd number of digits");
    const int low = hex_value(text[i]);
    if (low < 0)
      return bad("invalid hexadecimal digit: \"" + first_character(text.substr(i)) + "\"");
    out += static_cast<char>(high << 4 | low);
    ++i;
  }
  return Status();
}

Status decode_base64(std::string_view text, std::string& out) {
  uint32_t word = 0;
  int position = 0, end = 0;
  InterruptPacer pacer;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pacer.step(5)) return check_interrupt();
    const char c = text[i];
    if (is_space(c)) continue;
    uint32_t value = 0;
    if (c == '=') {
      if (end == 0) {
        if (position != 2 && position != 3)
          return bad("unexpected \"=\" while decoding base64 sequence");
        end = position == 2 ? 1 : 2;
      }
    } else {
      const char* digit = std::char_traits<char>::find(kBase64, 64, c);
      if (digit == nullptr)
        return bad("invalid symbol \"" + first_character(text.substr(i)) +
                   "\" found while decoding base64 sequence");
      value = static_cast<uint32_t>(digit - kBase64);
    }
    word = word << 6 | value;
    if (++position == 4) {
      out += static_cast<char>(word >> 16 & 255);
      if (end == 0 || end > 1) out += static_cast<char>(word >> 8 & 255);
      if (end == 0) out += static_cast<char>(word & 255);
      word = 0;
      position = 0;
    }
  }
  if (position == 0) return Status();
  return Status(Error{sqlstate::kInvalidParameterValue, "invalid base64 end sequence", {},
                      "Input data is missing padding, is truncated, or is otherwise corrupted.",
                      {}, 0});
}

Status decode_escape(std::string_view text, std::string& out) {
  const auto octal = [&](size_t i, char high) {
    return i < text.size() && text[i] >= '0' && text[i] <= high;
  };
  InterruptPacer pacer;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pacer.step(3)) return check_interrupt();
    if (text[i] != '\\') {
      out += text[i];
    } else if (octal(i + 1, '3') && octal(i + 2, '7') && octal(i + 3, '7')) {
      out += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                               (text[i + 3] - '0'));
      i += 3;
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out += '\\';
      ++i;
    } else {
      return Status(sqlstate::kInvalidTextRepresentation, "invalid input syntax for type bytea");
    }
  }
  return Status();
}

}  // namespace

void register_text_digest(Builder& builder) {
  builder.builtins({"md5(text)", "md5(bytea)"},
                   row_kernel<StringRef, StringRef>([](const StringRef& v, StringOut& out) -> Status {
                     ASSIGN_OR_RETURN(const std::string hash, digest(EVP_md5(), v.view()));
                     std::string& buffer = out.buffer();
                     append_hex(hash, buffer);
                     out.copy(buffer);
                     return Status();
                   }));
  builder.builtin("sha224(bytea)", sha<EVP_sha224>());
  builder.builtin("sha256(bytea)", sha<EVP_sha256>());
  builder.builtin("sha384(bytea)", sha<EVP_sha384>());
  builder.builtin("sha512(bytea)", sha<EVP_sha512>());
  builder.builtin("encode(bytea,text)",
                  row_kernel<StringRef, StringRef, StringRef>(
                      [](const StringRef& v, const StringRef& name, StringOut& out) -> Status {
                        ASSIGN_OR_RETURN(const Encoding encoding, encoding_of(name.view()));
                        std::string& buffer = out.buffer();
                        switch (encoding) {
                          case Encoding::kHex: append_hex(v.view(), buffer); break;
                          case Encoding::kBase64: append_base64(v.view(), buffer); break;
                          case Encoding::kEscape: append_escape(v.view(), buffer); break;
                        }
                        out.copy(buffer);
                        return Status();
                      }));
  builder.builtin("decode(text,text)",
                  row_kernel<StringRef, StringRef, StringRef>(
                      [](const StringRef& v, const StringRef& name, StringOut& out) -> Status {
                        ASSIGN_OR_RETURN(const Encoding encoding, encoding_of(name.view()));
                        std::string& buffer = out.buffer();
                        switch (encoding) {
                          case Encoding::kHex:
                            RETURN_IF_ERROR(decode_hex(v.view(), buffer));
                            break;
                          case Encoding::kBase64:
                            RETURN_IF_ERROR(decode_base64(v.view(), buffer));
                            break;
                          case Encoding::kEscape:
                            RETURN_IF_ERROR(decode_escape(v.view(), buffer));
                            break;
                        }
                        out.copy(buffer);
                        return Status();
                      }));
}

}  // namespace eventd::engine
