#include "engine/maintenance/damaged_table.h"

#include <fmt/format.h>

namespace eventd::engine {
namespace {

// Far above any rowid of a shard; distances to it don't overflow.
constexpr int64_t kRowidMax = int64_t{1} << 61;
// A walk around more is given up: what is left is not worth the hours.
constexpr uint64_t kPlacesMax = 10'000;

}  // namespace

Result<TableDamage> DamagedTable::walk(const std::function<Status(sqlite::Statement&)>& take) {
  TableDamage damage;
  int64_t after = 0;
  const std::string scan =
      fmt::format("SELECT {} FROM {} WHERE rowid>=?1 ORDER BY rowid", columns_, table_);
  for (;;) {
    const int64_t began_after = after;
    auto statement = connection_.prepare(scan);
    bool readable = statement.ok();
    if (readable) {
      statement->bind(1, after + 1);
      for (;;) {
        const Result<bool> row = statement->step();
        readable = row.ok();
        if (!readable || !*row) break;
        const int64_t rowid = statement->int64(0);
        // Out of order: the walk would never end.
        if (rowid <= after || rowid > kRowidMax) {
          readable = false;
          break;
        }
        RETURN_IF_ERROR(take(*statement));
        after = rowid;
      }
    }
    if (readable) return damage;
    if (++damage.places > kPlacesMax) {
      damage.to_the_end = true;
      return damage;
    }
    statement = sqlite::Statement();  // let go of the cursor
    const std::optional<int64_t> next = resume_after(after, after == began_after);
    if (!next) {
      damage.to_the_end = true;
      return damage;
    }
    damage.rowids_missing += static_cast<uint64_t>(*next - after - 1);
    after = *next - 1;
  }
}

DamagedTable::Probe DamagedTable::probe(int64_t from, int64_t& found) {
  if (!probe_) {
    auto statement = connection_.prepare(
        fmt::format("SELECT {} FROM {} WHERE rowid>=?1 ORDER BY rowid LIMIT 1", columns_, table_));
    if (!statement.ok()) return Probe::kUnreadable;
    probe_ = std::move(*statement);
  }
  probe_.bind(1, from);
  const Result<bool> row = probe_.step();
  if (row.ok() && *row) found = probe_.int64(0);
  probe_.reset();
  if (!row.ok()) return Probe::kUnreadable;
  if (!*row) return Probe::kNothing;
  return found >= from && found <= kRowidMax ? Probe::kRow : Probe::kUnreadable;
}

std::optional<int64_t> DamagedTable::resume_after(int64_t after, bool stuck) {
  // Ever larger steps until something else than damage is met, then back to where it begins.
  int64_t unreadable = stuck ? after + 1 : after, beyond = 0;
  std::optional<int64_t> found;
  for (int64_t distance = 1; after + distance <= kRowidMax; distance *= 2) {
    int64_t rowid = 0;
    const Probe result = probe(after + 1 + distance, rowid);
    if (result != Probe::kUnreadable) {
      beyond = after + 1 + distance;
      if (result == Probe::kRow) found = rowid;
      break;
    }
    unreadable = after + 1 + distance;
  }
  if (beyond == 0) return std::nullopt;
  while (beyond - unreadable > 1) {
    const int64_t middle = unreadable + (beyond - unreadable) / 2;
    int64_t rowid = 0;
    switch (probe(middle, rowid)) {
      case Probe::kUnreadable: unreadable = middle; break;
      case Probe::kRow: found = rowid; [[fallthrough]];
      case Probe::kNothing: beyond = middle; break;
    }
  }
  return found;
}

}  // namespace eventd::engine
