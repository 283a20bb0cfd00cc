// Files that have to be on the disk before something is said about them.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "result.h"

namespace eventd::engine {

/// fsync of a file or directory. 58030.
Status sync_path(const std::string& path);
/// Creates or replaces a file (0600) and syncs it. 53100, 58030.
Status write_durable_file(const std::string& path, std::string_view text);
/// At most `bytes_max` bytes, else 54000. 58030.
Result<std::string> read_small_file(const std::string& path, size_t bytes_max);

struct FileDigest {
  uint64_t bytes = 0;
  std::string sha256;  ///< 64 hexadecimal digits, lower case
};
/// Reads the whole file. 57014 once `cancelled` (may be null) is true.
Result<FileDigest> digest_file(const std::string& path, const std::atomic<bool>* cancelled);
std::string sha256_of(std::string_view bytes);

/// Byte for byte into a new file (0600), synced. 57014 once `cancelled` (may be null) is true.
Status copy_file_durably(const std::string& from, const std::string& to,
                         const std::atomic<bool>* cancelled);

}  // namespace eventd::engine
