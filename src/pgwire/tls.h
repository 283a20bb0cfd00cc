// TLS over memory: ciphertext in and out, plaintext in and out. The connection moves the bytes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "result.h"

namespace eventd::pgwire {

/// Certificate, key and rules for new connections. Immutable, thread-safe.
class TlsContext {
 public:
  struct Options {
    std::string cert_file, key_file;
    std::string min_protocol_version = "TLSv1.2";  ///< TLSv1.2 or TLSv1.3
  };
  /// F0000 when the files can't be used. The key file must not be readable by others.
  static Result<std::shared_ptr<const TlsContext>> load(const Options& options);
  ~TlsContext();

  struct Impl;

 private:
  friend class TlsStream;
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Writes a self-signed ECDSA P-256 certificate for this host and its key (0600). Existing files
/// are left alone. 58030.
Status ensure_self_signed(const std::string& cert_file, const std::string& key_file);

/// One connection's TLS. Owned by its I/O thread.
class TlsStream {
 public:
  /// `require_alpn`: the connection began with TLS directly, so ALPN must name "postgresql".
  TlsStream(std::shared_ptr<const TlsContext> context, bool require_alpn);
  ~TlsStream();

  /// Bytes from the socket.
  void feed(std::string_view ciphertext);
  enum class ReadResult : uint8_t { kData, kNeedMore, kClosed };
  /// Plaintext into `room`; carries the handshake on. kClosed: ended by the peer or broken.
  ReadResult read(std::span<char> room, size_t& count);
  /// Encrypts all of `plaintext`. REQUIRES: the handshake is done (something was read).
  bool write(std::string_view plaintext);
  /// Moves bytes for the socket to the end of `out`.
  void take_ciphertext(std::string& out);
  /// Queues close_notify.
  void shut_down();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::pgwire
