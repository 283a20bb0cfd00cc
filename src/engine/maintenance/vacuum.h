// Space of databases that nothing uses any more: how much, and giving it back. Spec: storage.md
// "Retention".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "result.h"

namespace eventd::engine {

/// The space of one database file.
struct FileSpace {
  std::string path;
  uint64_t file_bytes = 0;  ///< without its WAL
  uint64_t wal_bytes = 0;
  uint64_t free_bytes = 0;  ///< of pages that hold nothing: what a vacuum gives back
  /// Free pages are used again by what comes next, so giving back little, or what will soon be needed
  /// again, is work for nothing.
  bool pays() const;
};

/// The databases in `path`, a data directory; or `path` itself, a database file. Sorted.
Result<std::vector<std::string>> database_files(const std::string& path);

/// Reads only; a server may be running on it. 58030, XX001.
Result<FileSpace> measure_space(const std::string& path);

/// Writes the database anew, without its free pages, and puts it in the old one's place by a rename;
/// what is in its WAL too. Needs as much free disk as the result is large. REQUIRES: nobody else uses
/// the file (the data directory's lock is held). 55P03 when somebody does; 53100, 58030, XX001: then
/// the file is as it was.
Status vacuum_file(const std::string& path);

}  // namespace eventd::engine
