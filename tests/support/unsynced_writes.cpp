#include "tests/support/unsynced_writes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace eventd::test {
namespace {

constexpr size_t kSectorBytes = 512;

[[noreturn]] void die(const char* what, const std::string& path) {
  std::fprintf(stderr, "power loss: %s \"%s\": %s\n", what, path.c_str(), std::strerror(errno));
  std::abort();
}

void write_at(int fd, const char* bytes, size_t size, int64_t offset) {
  if (size != 0 && ::pwrite(fd, bytes, size, offset) != static_cast<ssize_t>(size)) {
    die("could not write", std::to_string(fd));
  }
}

void cut(int fd, int64_t size) {
  if (::ftruncate(fd, size) != 0) die("could not cut", std::to_string(fd));
}

int64_t size_of(sqlite3_file* file) {
  sqlite3_int64 size = 0;
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK) die("no size of", "a file");
  return size;
}

// The bytes at `offset` that the file has, at most `size`.
std::string bytes_at(sqlite3_file* file, int64_t offset, int64_t size, int64_t file_size) {
  const int64_t there = std::clamp<int64_t>(file_size - offset, 0, size);
  std::string bytes(static_cast<size_t>(there), '\0');
  if (there != 0 &&
      file->pMethods->xRead(file, bytes.data(), static_cast<int>(there), offset) != SQLITE_OK) {
    die("could not read", "a file");
  }
  return bytes;
}

}  // namespace

void UnsyncedWrites::note_created(const std::string& path) { files_[path].created = true; }

void UnsyncedWrites::note_write(const std::string& path, sqlite3_file* file, const void* bytes,
                                int size, int64_t offset) {
  const int64_t file_size = size_of(file);
  files_[path].changes.push_back(
      {.offset = offset,
       .size_before = file_size,
       .before = bytes_at(file, offset, size, file_size),
       .after = std::string(static_cast<const char*>(bytes), static_cast<size_t>(size)),
       .is_truncation = false});
}

void UnsyncedWrites::note_truncate(const std::string& path, sqlite3_file* file, int64_t size) {
  const int64_t file_size = size_of(file);
  files_[path].changes.push_back({.offset = size,
                                  .size_before = file_size,
                                  .before = bytes_at(file, size, file_size - size, file_size),
                                  .after = {},
                                  .is_truncation = true});
}

void UnsyncedWrites::note_synced(const std::string& path) { files_.erase(path); }
void UnsyncedWrites::note_deleted(const std::string& path) { files_.erase(path); }

void UnsyncedWrites::apply(int fd, const Change& change, std::mt19937_64& random) {
  const uint64_t fate = random() % 4;
  if (fate == 0) return;
  if (change.is_truncation) return cut(fd, change.offset);
  if (fate != 1) return write_at(fd, change.after.data(), change.after.size(), change.offset);
  for (size_t at = 0; at < change.after.size(); at += kSectorBytes) {
    if (random() % 2 == 0) continue;
    write_at(fd, change.after.data() + at, std::min(kSectorBytes, change.after.size() - at),
             change.offset + static_cast<int64_t>(at));
  }
}

void UnsyncedWrites::lose_power(std::mt19937_64& random) {
  for (auto& [path, file] : files_) {
    if (!std::filesystem::exists(path)) continue;
    if (file.created && random() % 4 == 0) {
      std::filesystem::remove(path);
      continue;
    }
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) die("could not open", path);
    for (auto change = file.changes.rbegin(); change != file.changes.rend(); ++change) {
      write_at(fd, change->before.data(), change->before.size(), change->offset);
      cut(fd, change->size_before);
    }
    // A disk may have got to any of them, but hardly to none every time.
    const bool everything_lost = random() % 4 == 0;
    for (const Change& change : file.changes) {
      if (!everything_lost) apply(fd, change, random);
    }
    ::close(fd);
  }
  files_.clear();
}

}  // namespace eventd::test
