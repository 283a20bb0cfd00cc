// Where queries keep on disk what doesn't fit in memory.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "result.h"
#include "unique_fd.h"

namespace eventd::engine {

/// The system's calls, so that tests can let them fail.
struct TempFileCalls {
  ssize_t (*write_at)(int fd, const void* data, size_t size, off_t offset) = ::pwrite;
  ssize_t (*read_at)(int fd, void* data, size_t size, off_t offset) = ::pread;
};

/// The temporary files of one session: a directory and a bound (setting temp_file_limit, which
/// PostgreSQL has for each process too). Thread-safe; outlives the executions that use it.
class TempSpace {
 public:
  static constexpr int64_t kUnlimited = -1;

  /// The directory is made at the first file.
  explicit TempSpace(std::string directory, TempFileCalls calls = {})
      : directory_(std::move(directory)), calls_(calls) {}
  TempSpace(const TempSpace&) = delete;
  TempSpace& operator=(const TempSpace&) = delete;

  void set_limit(int64_t bytes) { limit_bytes_.store(bytes, std::memory_order_relaxed); }
  /// A file without a name: gone when it is closed, also after a crash. 58030.
  Result<UniqueFd> create_file() const;
  /// Before `bytes` more are written. 53400.
  Status reserve(uint64_t bytes);
  void release(uint64_t bytes) { used_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  /// Ever reserved.
  uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }
  const TempFileCalls& calls() const { return calls_; }

 private:
  const std::string directory_;
  const TempFileCalls calls_;
  std::atomic<int64_t> limit_bytes_{kUnlimited};
  std::atomic<uint64_t> used_bytes_{0};
  std::atomic<uint64_t> written_bytes_{0};
};

}  // namespace eventd::engine
