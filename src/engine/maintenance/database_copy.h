// A copy of an SQLite database through the backup API, page by page.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// One copy under way. What the source's own connection commits meanwhile is added to the copy, so it
/// never starts again; what others commit makes it start again. Used by the source's thread.
class DatabaseCopy {
 public:
  /// `target` must not exist; it is not synced. `source` outlives this.
  static Result<std::unique_ptr<DatabaseCopy>> begin(sqlite3* source, const std::string& target);
  /// Gives the copy up unless it is complete.
  ~DatabaseCopy();
  DatabaseCopy(const DatabaseCopy&) = delete;
  DatabaseCopy& operator=(const DatabaseCopy&) = delete;

  /// Copies up to `pages` more, all when negative. True once the copy is complete: it is the source as
  /// of this call. 53100, 58030, XX001. REQUIRES: no write transaction of the source is open; not
  /// complete.
  Result<bool> copy(int pages);
  /// Pages to go, as of now: the source may have grown.
  Result<int> remaining();

 private:
  DatabaseCopy() = default;
  Status error(int rc) const;

  sqlite::Connection target_;
  sqlite3_backup* backup_ = nullptr;
  std::string path_;
};

/// Copies a whole database that another connection may be writing: as of the start of the call.
/// 57014 once `cancelled` is true.
Status copy_database(const std::string& source, const std::string& target,
                     const std::atomic<bool>& cancelled);

}  // namespace eventd::engine
