#include "engine/exec/temp_space.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace eventd::engine {

namespace {

int open_unnamed(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  // A file system without unnamed files.
  std::string path = directory + "/spill-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

Result<UniqueFd> TempSpace::create_file() const {
  int fd = open_unnamed(directory_);
  if (fd < 0 && errno == ENOENT && (::mkdir(directory_.c_str(), 0700) == 0 || errno == EEXIST)) {
    fd = open_unnamed(directory_);
  }
  if (fd < 0) {
    const int cause = errno;
    return Status(cause == ENOSPC || cause == EDQUOT ? sqlstate::kDiskFull : sqlstate::kIoError,
                  "could not create temporary file in \"" + directory_ + "\": " + std::strerror(cause));
  }
  return UniqueFd(fd);
}

Status TempSpace::reserve(uint64_t bytes) {
  const int64_t limit = limit_bytes_.load(std::memory_order_relaxed);
  const uint64_t used = used_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (limit >= 0 && used > static_cast<uint64_t>(limit)) {
    release(bytes);
    return Status(sqlstate::kConfigurationLimitExceeded,
                  "temporary file size exceeds temp_file_limit (" + std::to_string(limit / 1024) + "kB)");
  }
  written_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return {};
}

}  // namespace eventd::engine
