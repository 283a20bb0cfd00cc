// What was written to files and not synced yet, so that it can be taken back: the model of a disk that
// loses its power.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace eventd::test {

/// Changes of files by path, with the bytes that were there before. Not thread-safe.
///
/// Simplified: a file's name is durable with its own first sync, and its deletion at once.
class UnsyncedWrites {
 public:
  /// `path` did not exist before.
  void note_created(const std::string& path);
  /// Before `size` bytes are written at `offset`. `file` is the file itself, for reading.
  void note_write(const std::string& path, sqlite3_file* file, const void* bytes, int size,
                  int64_t offset);
  /// Before the file is cut (or extended) to `size` bytes.
  void note_truncate(const std::string& path, sqlite3_file* file, int64_t size);
  /// What was written to `path` is durable.
  void note_synced(const std::string& path);
  void note_deleted(const std::string& path);

  /// Takes everything back, then applies a part of it again, as `random` decides: each change wholly,
  /// not at all, or some of its 512-byte sectors. Files never synced may vanish. (What is in
  /// -shm files never matters: SQLite's first connection makes them anew.)
  void lose_power(std::mt19937_64& random);
  void clear() { files_.clear(); }

 private:
  struct Change {
    int64_t offset;  // of a truncation: the new size
    int64_t size_before;
    std::string before;  // shorter than `after` at the end of the file
    std::string after;
    bool is_truncation;
  };
  struct File {
    bool created = false;
    std::vector<Change> changes;
  };
  static void apply(int fd, const Change& change, std::mt19937_64& random);

  std::map<std::string, File> files_;
};

}  // namespace eventd::test
