#include "engine/storage/damaged_tail.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/stats/registry.h"
#include "engine/storage/event_schema.h"
#include "log.h"

namespace eventd::engine {
namespace {

// More than the rows of any one page, so that no readable page between two bad ones is skipped.
constexpr int64_t kProbesOneByOne = 4096;
// All of a tail's. A probe is one descent of the table: some microseconds.
constexpr int64_t kProbesMax = 1 << 19;
constexpr size_t kRowsListedMax = size_t{1} << 22;

bool is_damage_code(int rc) { return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB; }

class RowFinder {
 public:
  RowFinder(ReadConnection& connection, const TailRange& range, const TailPosition& from)
      : connection_(connection), range_(range), from_(from) {}

  Result<std::vector<ReadableRow>> find(ScanCounters& counters) {
    const std::string table = event_schema::tail_table(range_.tail.number);
    auto walking = StatementLease::open(
        connection_,
        fmt::format("SELECT id,timestamp FROM {} NOT INDEXED WHERE id>=?1 AND id<=?2 ORDER BY id", table),
        counters);
    if (!walking.ok()) return unreadable(std::move(walking).take_status());
    auto probing = StatementLease::open(
        connection_, fmt::format("SELECT id FROM {} NOT INDEXED WHERE id>=?1 LIMIT 1", table), counters);
    if (!probing.ok()) return unreadable(std::move(probing).take_status());
    walk_ = walking->raw();
    probe_ = probing->raw();
    next_ = range_.first_rowid;
    if (range_.order == TailRange::Order::kRowid && from_.resumed) next_ = from_.rowid + 1;
    bool more = true;
    while (more && next_ <= range_.last_rowid) {
      ASSIGN_OR_RETURN(const bool at_damage, walk());
      more = false;
      if (at_damage) {
        ASSIGN_OR_RETURN(more, skip_damage());
      }
    }
    sort();
    return std::move(rows_);
  }

 private:
  // Not even the schema: nothing of the table.
  Result<std::vector<ReadableRow>> unreadable(Status status) {
    if (is_damage(status)) return std::vector<ReadableRow>();
    return status;
  }

  // From next_ on, until the end (false) or a page that can't be read (true).
  Result<bool> walk() {
    sqlite3_reset(walk_);
    sqlite3_bind_int64(walk_, 1, next_);
    sqlite3_bind_int64(walk_, 2, range_.last_rowid);
    while (true) {
      const int rc = sqlite3_step(walk_);
      if (rc == SQLITE_DONE) return false;
      if (is_damage_code(rc)) return true;
      if (rc != SQLITE_ROW) return connection_.read_error();
      const ReadableRow row{.timestamp_ns = sqlite3_column_int64(walk_, 1),
                            .rowid = sqlite3_column_int64(walk_, 0)};
      if (row.rowid < next_) return true;  // the pages are in disorder
      next_ = row.rowid + 1;
      if (!wanted(row)) continue;
      if (rows_.size() == kRowsListedMax) {
        return Status(sqlstate::kDataCorrupted,
                      fmt::format("\"{}\": events_{} is damaged and too large to read around it",
                                  connection_.file()->path(), range_.tail.number));
      }
      rows_.push_back(row);
    }
  }

  bool wanted(const ReadableRow& row) const {
    if (!range_.time.overlaps(row.timestamp_ns, row.timestamp_ns)) return false;
    return !from_.resumed || before({from_.timestamp_ns, from_.rowid}, row);
  }

  bool before(const ReadableRow& a, const ReadableRow& b) const {
    switch (range_.order) {
      case TailRange::Order::kRowid: return a.rowid < b.rowid;
      case TailRange::Order::kTime:
        return std::pair(a.timestamp_ns, a.rowid) < std::pair(b.timestamp_ns, b.rowid);
      case TailRange::Order::kTimeDescending:
        return std::pair(a.timestamp_ns, a.rowid) > std::pair(b.timestamp_ns, b.rowid);
    }
    return false;
  }

  void sort() {
    if (range_.order == TailRange::Order::kRowid) return;
    std::sort(rows_.begin(), rows_.end(),
              [this](const ReadableRow& a, const ReadableRow& b) { return before(a, b); });
  }

  // The first row at or after `rowid`: its id, 0 when there is none, nothing when a page is bad.
  Result<std::optional<int64_t>> probe(int64_t rowid) {
    ++probes_;
    sqlite3_reset(probe_);
    sqlite3_bind_int64(probe_, 1, rowid);
    const int rc = sqlite3_step(probe_);
    if (rc == SQLITE_ROW) {
      const int64_t found = sqlite3_column_int64(probe_, 0);
      if (found >= rowid) return std::optional(found);
      return std::optional<int64_t>();
    }
    if (rc == SQLITE_DONE) return std::optional<int64_t>(0);
    if (is_damage_code(rc)) return std::optional<int64_t>();
    return connection_.read_error();
  }

  // Moves next_ to the first row found behind the damage. False when there is none.
  Result<bool> skip_damage() {
    int64_t bad = next_;
    for (int64_t step = 1, tried = 0; probes_ < kProbesMax; ++tried) {
      if (tried >= kProbesOneByOne) step *= 2;
      if (step > range_.last_rowid - bad) {
        // The last rowid of all is tried too: nothing is behind it.
        step = range_.last_rowid - bad;
        if (step <= 0) return false;
      }
      ASSIGN_OR_RETURN(std::optional<int64_t> found, probe(bad + step));
      if (!found) {
        bad += step;
        continue;
      }
      // Back to where reading began to be possible again.
      int64_t good = bad + step;
      while (good - bad > 1) {
        const int64_t middle = bad + (good - bad) / 2;
        ASSIGN_OR_RETURN(const auto between, probe(middle));
        if (between) {
          good = middle;
          found = between;
        } else {
          bad = middle;
        }
      }
      if (*found == 0) return false;
      next_ = *found;
      return true;
    }
    log::warning(fmt::format("\"{}\": events_{} has too much damage; rows from id {} on are left out",
                             connection_.file()->path(), range_.tail.number, bad));
    return false;
  }

  ReadConnection& connection_;
  const TailRange& range_;
  const TailPosition& from_;
  sqlite3_stmt* walk_ = nullptr;
  sqlite3_stmt* probe_ = nullptr;
  int64_t next_ = 0, probes_ = 0;
  std::vector<ReadableRow> rows_;
};

}  // namespace

Result<std::vector<ReadableRow>> find_readable_rows(ReadConnection& connection,
                                                    const TailRange& range,
                                                    const TailPosition& from,
                                                    ScanCounters& counters) {
  return RowFinder(connection, range, from).find(counters);
}

void note_damage(ShardFile& file, const Status& why) {
  static Counter& damaged_reads = stats().counter("storage.damaged_reads");
  damaged_reads.add();
  file.report_damage();
  if (!file.first_to_log_damage()) return;
  log::error(fmt::format("\"{}\" is damaged, queries leave out what can't be read: {}", file.path(),
                         why.error().message));
}

}  // namespace eventd::engine
