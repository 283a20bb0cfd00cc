#include "pgwire/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "unique_fd.h"

namespace eventd::pgwire {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

constexpr std::string_view kAlpn{"\x0apostgresql", 11};
constexpr long kCertificateSeconds = 10L * 365 * 24 * 3600;

std::string openssl_error() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned int in_size, void*) {
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size,
                            reinterpret_cast<const unsigned char*>(kAlpn.data()), kAlpn.size(), in,
                            in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) std::strcpy(host.data(), "localhost");
  X509_set_version(certificate.get(), 2);
  BIGNUM* serial = BN_new();
  BN_rand(serial, 120, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate.get()));
  BN_free(serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kCertificateSeconds);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(host.data()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  add_extension(certificate.get(), NID_subject_alt_name,
                "DNS:" + std::string(host.data()) + ",DNS:localhost,IP:127.0.0.1,IP:::1");
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  if (X509_sign(certificate.get(), key, EVP_sha256()) == 0) return nullptr;
  return certificate;
}

/// Writes `bytes` to a file that was not there before.
Status write_new_file(const std::string& path, BIO* bytes, mode_t mode) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bytes, &data);
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid() || ::write(fd.get(), data, static_cast<size_t>(size)) != size ||
      ::fsync(fd.get()) != 0)
    return {sqlstate::kIoError, "could not write \"" + path + "\": " + std::strerror(errno)};
  return {};
}

}  // namespace

struct TlsContext::Impl {
  SSL_CTX* context = nullptr;
  ~Impl() { SSL_CTX_free(context); }
};

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const Options& options) {
  struct stat info {};
  if (::stat(options.key_file.c_str(), &info) == 0 && (info.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    return {sqlstate::kConfigFileError,
            "private key file \"" + options.key_file + "\" has group or world access"};
  auto impl = std::make_unique<Impl>();
  impl->context = SSL_CTX_new(TLS_server_method());
  SSL_CTX* context = impl->context;
  const int minimum = options.min_protocol_version == "TLSv1.3" ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_min_proto_version(context, minimum);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, select_alpn, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1)
    return {sqlstate::kConfigFileError, "could not load server certificate file \"" +
                                            options.cert_file + "\": " + openssl_error()};
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return {sqlstate::kConfigFileError, "could not load private key file \"" + options.key_file +
                                            "\": " + openssl_error()};
  if (SSL_CTX_check_private_key(context) != 1)
    return {sqlstate::kConfigFileError, "private key does not match certificate: " + openssl_error()};
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(impl)));
}

Status ensure_self_signed(const std::string& cert_file, const std::string& key_file) {
  if (::access(cert_file.c_str(), F_OK) == 0 && ::access(key_file.c_str(), F_OK) == 0) return {};
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? make_certificate(key.get()) : nullptr;
  if (certificate == nullptr)
    return {sqlstate::kSystemError, "could not make a certificate: " + openssl_error()};
  const Bio key_text(BIO_new(BIO_s_mem())), cert_text(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(cert_text.get(), certificate.get());
  // A half-made pair from a crash is replaced: neither half is of use alone.
  ::unlink(cert_file.c_str());
  ::unlink(key_file.c_str());
  RETURN_IF_ERROR(write_new_file(key_file, key_text.get(), 0600));
  return write_new_file(cert_file, cert_text.get(), 0644);
}

struct TlsStream::Impl {
  std::shared_ptr<const TlsContext> context;
  SSL* ssl = nullptr;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl
  bool require_alpn = false;
  ~Impl() { SSL_free(ssl); }
};

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, bool require_alpn)
    : impl_(std::make_unique<Impl>()) {
  impl_->context = std::move(context);
  impl_->ssl = SSL_new(impl_->context->impl_->context);
  impl_->in = BIO_new(BIO_s_mem());
  impl_->out = BIO_new(BIO_s_mem());
  impl_->require_alpn = require_alpn;
  SSL_set_bio(impl_->ssl, impl_->in, impl_->out);
  SSL_set_accept_state(impl_->ssl);
}

TlsStream::~TlsStream() = default;

void TlsStream::feed(std::string_view ciphertext) {
  BIO_write(impl_->in, ciphertext.data(), static_cast<int>(ciphertext.size()));
}

TlsStream::ReadResult TlsStream::read(std::span<char> room, size_t& count) {
  ERR_clear_error();
  if (SSL_read_ex(impl_->ssl, room.data(), room.size(), &count) == 1) {
    if (impl_->require_alpn) {
      const unsigned char* protocol = nullptr;
      unsigned int size = 0;
      SSL_get0_alpn_selected(impl_->ssl, &protocol, &size);
      if (size == 0) return ReadResult::kClosed;
      impl_->require_alpn = false;
    }
    return ReadResult::kData;
  }
  count = 0;
  const int error = SSL_get_error(impl_->ssl, 0);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? ReadResult::kNeedMore
                                                                       : ReadResult::kClosed;
}

bool TlsStream::write(std::string_view plaintext) {
  ERR_clear_error();
  while (!plaintext.empty()) {
    size_t written = 0;
    if (SSL_write_ex(impl_->ssl, plaintext.data(), plaintext.size(), &written) != 1) return false;
    plaintext.remove_prefix(written);
  }
  return true;
}

void TlsStream::take_ciphertext(std::string& out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(impl_->out, &data);
  if (size <= 0) return;
  out.append(data, static_cast<size_t>(size));
  (void)BIO_reset(impl_->out);
}

void TlsStream::shut_down() {
  ERR_clear_error();
  SSL_shutdown(impl_->ssl);
}

}  // namespace eventd::pgwire
