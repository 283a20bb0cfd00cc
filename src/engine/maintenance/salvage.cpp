#include "engine/maintenance/salvage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "engine/limits.h"
#include "engine/maintenance/damaged_table.h"
#include "engine/maintenance/durable_file.h"
#include "engine/storage/event_schema.h"
#include "engine/storage/shard.h"
#include "engine/storage/sqlite.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRowsACommit = 10'000;
constexpr size_t kTypeBytesMax = 65'535;
constexpr int kColumns = 11;
constexpr char kColumnNames[] =
    "id,boot_id,timestamp,cpu_id,sequence,origin_class,event_type,effective_token_guid,"
    "true_token_guid,process_guid,payload";

int type_of(const sqlite::Statement& row, int column) {
  return sqlite3_column_type(row.raw(), column);
}

bool is_guid(const sqlite::Statement& row, int column) {
  return type_of(row, column) == SQLITE_BLOB && row.blob(column).size() == 16;
}

bool is_integer_within(const sqlite::Statement& row, int column, int64_t last) {
  return type_of(row, column) == SQLITE_INTEGER && row.int64(column) >= 0 && row.int64(column) <= last;
}

bool is_type_name(std::string_view text) {
  return !text.empty() && text.size() <= kTypeBytesMax &&
         kmes_utf8_valid(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// SQLite has no checksums: a page with other bytes in it may well be read.
bool can_be_an_event(const sqlite::Statement& row) {
  const auto null_or = [&](int column, bool good) { return row.is_null(column) || good; };
  if (!is_guid(row, 1) || type_of(row, 2) != SQLITE_INTEGER) return false;
  if (!null_or(3, is_integer_within(row, 3, UINT16_MAX)) ||
      !null_or(4, is_integer_within(row, 4, INT64_MAX - 1)) ||
      !null_or(5, is_integer_within(row, 5, UINT8_MAX))) {
    return false;
  }
  if (type_of(row, 6) != SQLITE_TEXT || !is_type_name(row.text(6))) return false;
  for (const int column : {7, 8, 9}) {
    if (!null_or(column, is_guid(row, column))) return false;
  }
  if (row.is_null(10)) return true;
  const ByteSpan payload = type_of(row, 10) == SQLITE_BLOB ? row.blob(10) : ByteSpan();
  return kmes_msgpack_valid(payload.data(), payload.size(), KMES_NESTING_MAX);
}

using GuidBytes = std::array<uint8_t, 16>;

GuidBytes guid_bytes(ByteSpan bytes) {
  GuidBytes guid{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), guid.size()), guid.begin());
  return guid;
}

/// Covered ranges by (boot, epoch, cpu), of rows and of receipts.
class CoveredRanges {
 public:
  using Key = std::tuple<GuidBytes, GuidBytes, uint16_t>;

  void add(const Key& key, uint64_t first, uint64_t last) {
    auto& ranges = ranges_[key];
    if (!ranges.empty() && first >= ranges.back().first && first <= ranges.back().second + 1) {
      ranges.back().second = std::max(ranges.back().second, last);
    } else {
      ranges.emplace_back(first, last);
    }
  }

  /// Disjoint, not adjacent.
  std::vector<ReceiptRange> merged() {
    std::vector<ReceiptRange> all;
    for (auto& [key, ranges] : ranges_) {
      std::sort(ranges.begin(), ranges.end());
      const auto& [boot, epoch, cpu] = key;
      for (const auto& [first, last] : ranges) {
        ReceiptRange range{.boot_id = Guid{boot}, .epoch = Guid{epoch}, .cpu_id = cpu,
                           .first = first, .last = last};
        const bool joins = !all.empty() && all.back().boot_id == range.boot_id &&
                           all.back().epoch == range.epoch && all.back().cpu_id == cpu &&
                           first <= all.back().last + 1;
        if (joins) {
          all.back().last = std::max(all.back().last, last);
        } else {
          all.push_back(range);
        }
      }
    }
    return all;
  }

 private:
  std::map<Key, std::vector<std::pair<uint64_t, uint64_t>>> ranges_;
};

class Salvage {
 public:
  Salvage(sqlite::Connection& source, sqlite::Connection& output) : source_(source), output_(output) {}

  Result<SalvageReport> run() {
    // Pages are checked a little when they are read.
    RETURN_IF_ERROR(source_.exec("PRAGMA cell_size_check=ON;"));
    ASSIGN_OR_RETURN(const int64_t tables, source_.query_int64(
        "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name LIKE 'events\\_%' ESCAPE '\\'"));
    if (tables == 0) return Status(sqlstate::kDataCorrupted, "it is no event shard: it has no table of events");
    RETURN_IF_ERROR(event_schema::create(output_, CarriedOver{}));
    for (const TailInfo& tail : read_tails()) RETURN_IF_ERROR(copy_tail(tail));
    copy_receipts();
    copy_types();
    RETURN_IF_ERROR(write_rest());
    return std::move(report_);
  }

 private:
  void remark(std::string text) { report_.remarks.push_back(std::move(text)); }

  std::vector<TailInfo> read_tails() {
    std::vector<TailInfo> tails;
    auto statement = source_.prepare("SELECT number,id_base FROM tails WHERE state=1 ORDER BY number");
    bool readable = statement.ok();
    while (readable) {
      const Result<bool> row = statement->step();
      readable = row.ok();
      if (!readable || !*row) break;
      if (!is_integer_within(*statement, 0, UINT32_MAX) ||
          !is_integer_within(*statement, 1, event_schema::kIdMax)) {
        readable = false;
        break;
      }
      tails.push_back({.number = static_cast<uint32_t>(statement->int64(0)),
                       .id_base = statement->int64(1)});
    }
    if (readable) return tails;
    remark("the list of tails can't be read; tables beyond the fixed ones are left out");
    std::erase_if(tails, [](const TailInfo& tail) { return tail.number < kTailTables; });
    for (uint32_t number = 0; number < kTailTables; ++number) tails.push_back({.number = number});
    return tails;
  }

  Status copy_tail(const TailInfo& tail) {
    const std::string table = event_schema::tail_table(tail.number);
    RETURN_IF_ERROR(output_.exec("BEGIN"));
    if (tail.number >= kTailTables) {
      RETURN_IF_ERROR(output_.exec(event_schema::create_tail_sql(tail.number) +
                                   fmt::format("INSERT INTO tails VALUES({},1,{});", tail.number,
                                               tail.id_base)));
    }
    {
      ASSIGN_OR_RETURN(sqlite::Statement insert, output_.prepare(event_schema::insert_sql(tail.number)));
      DamagedTable rows(source_, table, kColumnNames);
      ASSIGN_OR_RETURN(const TableDamage damage, rows.walk([&](sqlite::Statement& row) {
        return copy_row(row, insert, tail);
      }));
      report_.rows_missing += damage.rowids_missing;
      if (damage.places != 0) {
        remark(fmt::format("{}: unreadable in {} place(s), {} ids between readable rows missing{}", table,
                           damage.places, damage.rowids_missing,
                           damage.to_the_end ? ", and everything after the last place" : ""));
      }
    }
    copied_tails_.push_back(tail);
    return output_.exec("COMMIT");
  }

  Status copy_row(const sqlite::Statement& row, sqlite::Statement& insert, const TailInfo& tail) {
    if (!can_be_an_event(row)) {
      ++report_.rows_refused;
      return {};
    }
    for (int column = 0; column < kColumns; ++column)
      sqlite3_bind_value(insert.raw(), column + 1, sqlite3_column_value(row.raw(), column));
    RETURN_IF_ERROR(insert.run());
    last_id_ = std::max(last_id_, row.int64(0) + tail.id_base);
    types_.emplace(row.text(6));
    if (!row.is_null(3) && !row.is_null(4) && row.int64(4) > 0) {
      const auto sequence = static_cast<uint64_t>(row.int64(4));
      covered_.add({guid_bytes(row.blob(1)), GuidBytes{}, static_cast<uint16_t>(row.int64(3))}, sequence,
                   sequence);
    }
    if (++report_.rows_copied % kRowsACommit == 0) return output_.exec("COMMIT;BEGIN");
    return {};
  }

  // From both ends: what lies before and after a bad page. `order`: columns, each with {} for DESC.
  void read_both_ways(const std::string& what, const std::string& columns, const std::string& order,
                      const std::function<void(const sqlite::Statement&)>& take) {
    for (const char* direction : {"", " DESC"}) {
      auto statement = source_.prepare(
          fmt::format("SELECT {} FROM {} ORDER BY {}", columns, what,
                      fmt::format(fmt::runtime(order), fmt::arg("direction", direction))));
      while (statement.ok()) {
        const Result<bool> row = statement->step();
        if (!row.ok()) break;
        if (!*row) return;
        take(*statement);
      }
      if (direction[0] == '\0') remark(what + " can't be read as a whole");
    }
  }

  void copy_receipts() {
    read_both_ways("receipts", "boot_id,epoch,cpu_id,first,last",
                   "boot_id{direction},epoch{direction},cpu_id{direction},first{direction}",
                   [this](const sqlite::Statement& row) {
                     if (!is_guid(row, 0) || !is_guid(row, 1) || !is_integer_within(row, 2, UINT16_MAX) ||
                         !is_integer_within(row, 3, event_schema::kIdMax) ||
                         !is_integer_within(row, 4, event_schema::kIdMax) || row.int64(3) == 0 ||
                         row.int64(3) > row.int64(4)) {
                       return;
                     }
                     covered_.add({guid_bytes(row.blob(0)), guid_bytes(row.blob(1)),
                                   static_cast<uint16_t>(row.int64(2))},
                                  static_cast<uint64_t>(row.int64(3)), static_cast<uint64_t>(row.int64(4)));
                   });
  }

  void copy_types() {
    read_both_ways("event_types", "event_type", "event_type{direction}",
                   [this](const sqlite::Statement& row) {
                     if (type_of(row, 0) == SQLITE_TEXT && is_type_name(row.text(0)))
                       types_.emplace(row.text(0));
                   });
  }

  Status write_rest() {
    RETURN_IF_ERROR(output_.exec("BEGIN;" + event_schema::create_view_sql(output_tails())));
    {
      ASSIGN_OR_RETURN(auto receipt, output_.prepare("INSERT OR REPLACE INTO receipts VALUES(?1,?2,?3,?4,?5)"));
      for (const ReceiptRange& range : covered_.merged()) {
        receipt.bind_blob(1, range.boot_id.bytes.data(), range.boot_id.bytes.size());
        receipt.bind_blob(2, range.epoch.bytes.data(), range.epoch.bytes.size());
        receipt.bind(3, range.cpu_id);
        receipt.bind(4, static_cast<int64_t>(range.first));
        receipt.bind(5, static_cast<int64_t>(range.last));
        RETURN_IF_ERROR(receipt.run());
        ++report_.receipts;
      }
      ASSIGN_OR_RETURN(auto type, output_.prepare("INSERT OR IGNORE INTO event_types VALUES(?1)"));
      for (const std::string& name : types_) {
        type.bind_text(1, name);
        RETURN_IF_ERROR(type.run());
      }
      report_.event_types = types_.size();
    }
    RETURN_IF_ERROR(event_schema::save_last_id(output_, last_id_));
    return output_.exec("COMMIT;PRAGMA wal_checkpoint(TRUNCATE);");
  }

  std::vector<TailInfo> output_tails() const {
    std::vector<TailInfo> tails;
    for (uint32_t number = 0; number < kTailTables; ++number) tails.push_back({.number = number});
    for (const TailInfo& tail : copied_tails_) {
      if (tail.number >= kTailTables) tails.push_back(tail);
    }
    return tails;
  }

  sqlite::Connection& source_;
  sqlite::Connection& output_;
  SalvageReport report_;
  std::vector<TailInfo> copied_tails_;
  CoveredRanges covered_;
  std::set<std::string, std::less<>> types_;
  int64_t last_id_ = 0;
};

/// The damaged file as it can be opened without writing anything near it.
class DamagedSource {
 public:
  static Result<DamagedSource> open(const std::string& damaged, const std::string& work_directory) {
    DamagedSource source;
    std::error_code error;
    const uintmax_t wal_bytes = fs::file_size(damaged + "-wal", error);
    if (error || wal_bytes == 0) {
      ASSIGN_OR_RETURN(source.connection,
                       sqlite::Connection::open(damaged, {.mode = sqlite::OpenMode::kImmutable}));
      return source;
    }
    // Rows that are only in the WAL are seen by opening it, which writes: so not the original.
    fs::create_directory(work_directory, error);
    if (error) {
      return Status(sqlstate::kIoError,
                    fmt::format("could not create \"{}\": {}", work_directory, error.message()));
    }
    fs::permissions(work_directory, fs::perms::owner_all, error);
    const std::string copy = work_directory + "/damaged.db";
    RETURN_IF_ERROR(copy_file_durably(damaged, copy, nullptr));
    RETURN_IF_ERROR(copy_file_durably(damaged + "-wal", copy + "-wal", nullptr));
    ASSIGN_OR_RETURN(source.connection, sqlite::Connection::open(copy, {.mode = sqlite::OpenMode::kReadWrite,
                                                                        .wal = false}));
    return source;
  }

  sqlite::Connection connection;
};

Result<SalvageReport> salvage_into(const std::string& damaged, const std::string& unfinished,
                                   const std::string& work_directory) {
  ASSIGN_OR_RETURN(DamagedSource source, DamagedSource::open(damaged, work_directory));
  ASSIGN_OR_RETURN(const int64_t page_bytes, source.connection.query_int64("PRAGMA page_size"));
  ASSIGN_OR_RETURN(sqlite::Connection output,
                   sqlite::Connection::open(unfinished, {.page_size_bytes = static_cast<uint32_t>(page_bytes),
                                                         .synchronous_full = false}));
  return Salvage(source.connection, output).run();
}

}  // namespace

Result<SalvageReport> salvage_shard(const std::string& damaged, const std::string& output) {
  std::error_code error;
  if (!fs::is_regular_file(damaged, error)) {
    return Status(sqlstate::kIoError, fmt::format("there is no file \"{}\"", damaged));
  }
  if (fs::exists(fs::symlink_status(output, error))) {
    return Status(sqlstate::kDuplicateObject, fmt::format("\"{}\" exists", output));
  }
  const std::string unfinished = output + ".tmp", work_directory = output + ".work";
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(unfinished + suffix, error);
  fs::remove_all(work_directory, error);
  Result<SalvageReport> report = salvage_into(damaged, unfinished, work_directory);
  fs::remove_all(work_directory, error);
  Status status;
  if (report.ok()) status = sync_path(unfinished);
  if (report.ok() && status.ok() && std::rename(unfinished.c_str(), output.c_str()) != 0)
    status = {sqlstate::kIoError, fmt::format("could not rename \"{}\"", unfinished)};
  if (!report.ok() || !status.ok()) {
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(unfinished + suffix, error);
  }
  RETURN_IF_ERROR(std::move(status));
  return report;
}

}  // namespace eventd::engine
