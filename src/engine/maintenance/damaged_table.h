// Walks a table in the order of its rowids, around the pages that can't be read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// What a walk had to leave out.
struct TableDamage {
  uint64_t rowids_missing = 0;  ///< between readable rows
  uint64_t places = 0;          ///< where reading failed
  bool to_the_end = false;      ///< nothing readable after the last place
};

/// `columns` of `table`, the first of which is its rowid.
class DamagedTable {
 public:
  DamagedTable(sqlite::Connection& connection, std::string table, std::string columns)
      : connection_(connection), table_(std::move(table)), columns_(std::move(columns)) {}

  /// Calls `take` with the statement at every row that can be read. An error of `take` ends the walk;
  /// damage does not, nor do other errors of reading (a disk that fails here and there).
  Result<TableDamage> walk(const std::function<Status(sqlite::Statement&)>& take);

 private:
  enum class Probe : uint8_t { kRow, kNothing, kUnreadable };
  /// Is there a row with a rowid >= `from` that can be reached? `found` gets its rowid.
  Probe probe(int64_t from, int64_t& found);
  /// The first rowid after `after` that can be read again; nullopt if there is none. `stuck`: the one
  /// just after it does not count, it led nowhere.
  std::optional<int64_t> resume_after(int64_t after, bool stuck);

  sqlite::Connection& connection_;
  const std::string table_, columns_;
  sqlite::Statement probe_;  // prepared at the first damage
};

}  // namespace eventd::engine
