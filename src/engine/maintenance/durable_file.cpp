#include "engine/maintenance/durable_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "unique_fd.h"

namespace eventd::engine {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

Status file_error(const std::string& what, const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return {full ? sqlstate::kDiskFull : sqlstate::kIoError,
          "could not " + what + " \"" + path + "\": " + std::strerror(errno)};
}

Status copy_cancelled() { return {sqlstate::kQueryCanceled, "canceling statement due to user request"}; }

bool is_cancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

Status write_fully(int fd, const char* bytes, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_error("write", path);
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return {};
}

// 0 at the end.
Result<size_t> read_block(int fd, std::vector<char>& block, const std::string& path) {
  for (;;) {
    const ssize_t count = ::read(fd, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error("read", path);
    return static_cast<size_t>(count);
  }
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void add(const void* bytes, size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) text += {kDigits[digest[i] >> 4], kDigits[digest[i] & 15]};
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

Status sync_path(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return file_error("open", path);
  if (::fsync(fd.get()) != 0) return file_error("sync", path);
  return {};
}

Status write_durable_file(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return file_error("create", path);
  RETURN_IF_ERROR(write_fully(fd.get(), text.data(), text.size(), path));
  if (::fsync(fd.get()) != 0) return file_error("sync", path);
  return {};
}

Result<std::string> read_small_file(const std::string& path, size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return file_error("open", path);
  std::string text;
  std::vector<char> block(64 * 1024);
  for (;;) {
    ASSIGN_OR_RETURN(const size_t count, read_block(fd.get(), block, path));
    if (count == 0) return text;
    if (text.size() + count > bytes_max) {
      return Status(sqlstate::kProgramLimitExceeded, "\"" + path + "\" is too large");
    }
    text.append(block.data(), count);
  }
}

Result<FileDigest> digest_file(const std::string& path, const std::atomic<bool>* cancelled) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return file_error("open", path);
  Sha256 hash;
  FileDigest digest;
  std::vector<char> block(kBlockBytes);
  for (;;) {
    if (is_cancelled(cancelled)) return copy_cancelled();
    ASSIGN_OR_RETURN(const size_t count, read_block(fd.get(), block, path));
    if (count == 0) break;
    hash.add(block.data(), count);
    digest.bytes += count;
  }
  digest.sha256 = hash.hex();
  return digest;
}

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.hex();
}

Status copy_file_durably(const std::string& from, const std::string& to,
                         const std::atomic<bool>* cancelled) {
  const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return file_error("open", from);
  const UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target.valid()) return file_error("create", to);
  std::vector<char> block(kBlockBytes);
  for (;;) {
    if (is_cancelled(cancelled)) return copy_cancelled();
    ASSIGN_OR_RETURN(const size_t count, read_block(source.get(), block, from));
    if (count == 0) break;
    RETURN_IF_ERROR(write_fully(target.get(), block.data(), count, to));
  }
  if (::fsync(target.get()) != 0) return file_error("sync", to);
  return {};
}

}  // namespace eventd::engine
