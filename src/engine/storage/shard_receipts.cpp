// Receipts: merged ranges of covered sequences. Spec: ingest.md "Receipts".
#include <algorithm>
#include <string>
#include <tuple>

#include "engine/limits.h"
#include "engine/storage/receipts.h"
#include "engine/storage/shard_impl.h"
#include "log.h"

namespace eventd::engine {
namespace {

void bind_key(sqlite::Statement& statement, const ReceiptRange& range) {
  statement.bind_blob(1, range.boot_id.bytes.data(), 16);
  statement.bind_blob(2, range.epoch.bytes.data(), 16);
  statement.bind(3, range.cpu_id);
}

bool is_sql_cpu(int64_t cpu_id) {
  return cpu_id >= kSqlCpuIdBase && cpu_id < int64_t{kSqlCpuIdBase} + kShardsMax;
}

bool is_same_cpu(const ReceiptRange& a, const ReceiptRange& b) {
  return a.boot_id == b.boot_id && a.epoch == b.epoch && a.cpu_id == b.cpu_id;
}

Guid guid_of(ByteSpan bytes) {
  Guid guid;
  if (bytes.size() == guid.bytes.size()) std::copy(bytes.begin(), bytes.end(), guid.bytes.begin());
  return guid;
}

}  // namespace

Status Shard::add_receipts(std::span<const ReceiptRange> ranges) {
  Impl& impl = *impl_;
  for (const ReceiptRange& range : ranges) {
    if (range.first > range.last || range.last > uint64_t{INT64_MAX} - 1) {
      return {sqlstate::kInternalError, "receipt range out of order or out of range"};
    }
    // Stored ranges are disjoint and not adjacent, so going down from the last one that starts
    // within reach, the first one out of reach ends the search.
    auto first = static_cast<int64_t>(range.first);
    auto last = static_cast<int64_t>(range.last);
    bool merges = false, covered = false;
    bind_key(impl.receipts_near, range);
    impl.receipts_near.bind(4, last + 1);
    while (true) {
      auto row = impl.receipts_near.step();
      if (!row.ok()) {
        impl.receipts_near.reset();
        return std::move(row).take_status();
      }
      if (!*row) break;
      const int64_t stored_first = impl.receipts_near.int64(0);
      const int64_t stored_last = impl.receipts_near.int64(1);
      if (stored_last < first - 1) break;
      covered = stored_first <= first && stored_last >= last;
      if (covered) break;
      merges = true;
      first = std::min(first, stored_first);
      last = std::max(last, stored_last);
    }
    impl.receipts_near.reset();
    if (covered) continue;
    if (merges) {
      bind_key(impl.receipt_delete, range);
      impl.receipt_delete.bind(4, first);
      impl.receipt_delete.bind(5, last);
      RETURN_IF_ERROR(impl.receipt_delete.run());
    }
    bind_key(impl.receipt_insert, range);
    impl.receipt_insert.bind(4, first);
    impl.receipt_insert.bind(5, last);
    RETURN_IF_ERROR(impl.receipt_insert.run());
  }
  return {};
}

Result<uint64_t> Shard::last_sequence(const Guid& boot_id, const Guid& epoch, uint16_t cpu_id) {
  RETURN_IF_ERROR(impl_->ensure_connected());
  ASSIGN_OR_RETURN(auto statement, impl_->connection.prepare(
                                       "SELECT last FROM receipts WHERE boot_id=?1 AND epoch=?2 AND "
                                       "cpu_id=?3 ORDER BY first DESC LIMIT 1"));
  // Bound bytes are borrowed: the key must live until the step.
  const ReceiptRange key{.boot_id = boot_id, .epoch = epoch, .cpu_id = cpu_id};
  bind_key(statement, key);
  ASSIGN_OR_RETURN(const bool row, statement.step());
  return row ? static_cast<uint64_t>(statement.int64(0)) : 0;
}

Result<std::vector<ReceiptRange>> Shard::receipts() {
  RETURN_IF_ERROR(impl_->ensure_connected());
  std::vector<ReceiptRange> ranges;
  RETURN_IF_ERROR(read_receipts(impl_->connection, ranges));
  return ranges;
}

Status read_receipts(sqlite::Connection& connection, std::vector<ReceiptRange>& ranges) {
  const size_t before = ranges.size();
  RETURN_IF_ERROR(read_written_receipts(connection, ranges));
  auto deferred = read_deferred_receipts(connection);
  if (deferred.ok()) {
    for (const ReceiptRange& range : *deferred) {
      const bool covered = std::any_of(ranges.begin(), ranges.end(), [&](const ReceiptRange& other) {
        return is_same_cpu(other, range) && other.first <= range.first && other.last >= range.last;
      });
      if (!covered) ranges.push_back(range);
    }
    return {};
  }
  // Damage. What those rows may have used up is not given out again.
  log::warning("the last rows of a shard cannot be read: " + deferred.error().message);
  for (size_t i = before; i < ranges.size(); ++i) {
    ReceiptRange& range = ranges[i];
    if (is_sql_cpu(range.cpu_id) && range.last < uint64_t{INT64_MAX} - 1 - kDeferredReceiptRowsMax)
      range.last += kDeferredReceiptRowsMax;
  }
  return {};
}

Result<std::vector<ReceiptRange>> read_deferred_receipts(sqlite::Connection& connection) {
  struct Tail {
    int64_t number, id_base, last_id;
  };
  std::vector<Tail> tails;
  int64_t last_id = 0;
  {
    ASSIGN_OR_RETURN(auto statement,
                     connection.prepare("SELECT number,id_base FROM tails WHERE state=1"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, statement.step());
      if (!row) break;
      tails.push_back({statement.int64(0), statement.int64(1), 0});
    }
  }
  for (Tail& tail : tails) {
    ASSIGN_OR_RETURN(const int64_t last, connection.query_int64("SELECT max(id) FROM events_" +
                                                                std::to_string(tail.number)));
    tail.last_id = last == 0 ? 0 : last + tail.id_base;
    last_id = std::max(last_id, tail.last_id);
  }
  const int64_t after = last_id - int64_t{kDeferredReceiptRowsMax};
  std::vector<ReceiptRange> rows;
  for (const Tail& tail : tails) {
    if (tail.last_id <= after || tail.last_id == 0) continue;
    ASSIGN_OR_RETURN(auto statement,
                     connection.prepare("SELECT boot_id,cpu_id,sequence FROM events_" +
                                        std::to_string(tail.number) + " WHERE id>?1"));
    statement.bind(1, after - tail.id_base);
    while (true) {
      ASSIGN_OR_RETURN(const bool row, statement.step());
      if (!row) break;
      const int64_t cpu_id = statement.int64(1), sequence = statement.int64(2);
      if (!is_sql_cpu(cpu_id) || sequence < 1) continue;
      rows.push_back({.boot_id = guid_of(statement.blob(0)),
                      .epoch = {},
                      .cpu_id = static_cast<uint16_t>(cpu_id),
                      .first = static_cast<uint64_t>(sequence),
                      .last = static_cast<uint64_t>(sequence)});
    }
  }
  std::sort(rows.begin(), rows.end(), [](const ReceiptRange& a, const ReceiptRange& b) {
    return std::tie(a.boot_id.bytes, a.cpu_id, a.first) < std::tie(b.boot_id.bytes, b.cpu_id, b.first);
  });
  std::vector<ReceiptRange> merged;
  for (const ReceiptRange& row : rows) {
    if (!merged.empty() && is_same_cpu(merged.back(), row) && row.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, row.last);
    } else {
      merged.push_back(row);
    }
  }
  return merged;
}

Status read_written_receipts(sqlite::Connection& connection, std::vector<ReceiptRange>& ranges) {
  ASSIGN_OR_RETURN(auto statement,
                   connection.prepare("SELECT boot_id,epoch,cpu_id,first,last FROM receipts"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, statement.step());
    if (!row) return {};
    const int64_t cpu_id = statement.int64(2);
    const int64_t first = statement.int64(3), last = statement.int64(4);
    // add_receipts() writes no such ranges: damage, or someone's edit.
    if (cpu_id < 0 || cpu_id > UINT16_MAX || first < 1 || last < first) continue;
    ranges.push_back({.boot_id = guid_of(statement.blob(0)),
                      .epoch = guid_of(statement.blob(1)),
                      .cpu_id = static_cast<uint16_t>(cpu_id),
                      .first = static_cast<uint64_t>(first),
                      .last = static_cast<uint64_t>(last)});
  }
}

}  // namespace eventd::engine
