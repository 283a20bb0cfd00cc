// Receipts: merged ranges of covered sequences. Spec: ingest.md "Receipts".
#include <algorithm>

#include "engine/storage/receipts.h"
#include "engine/storage/shard_impl.h"

namespace eventd::engine {
namespace {

void bind_key(sqlite::Statement& statement, const ReceiptRange& range) {
  statement.bind_blob(1, range.boot_id.bytes.data(), 16);
  statement.bind_blob(2, range.epoch.bytes.data(), 16);
  statement.bind(3, range.cpu_id);
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
  ASSIGN_OR_RETURN(auto statement, impl_->connection.prepare(
                                       "SELECT last FROM receipts WHERE boot_id=?1 AND epoch=?2 AND "
                                       "cpu_id=?3 ORDER BY first DESC LIMIT 1"));
  // Bound bytes are borrowed: the key must live until the step.
  const ReceiptRange key{.boot_id = boot_id, .epoch = epoch, .cpu_id = cpu_id};
  bind_key(statement, key);
  ASSIGN_OR_RETURN(const bool row, statement.step());
  return row ? static_cast<uint64_t>(statement.int64(0)) : 0;
}

Result<std::vector<ReceiptRange>> Shard::receipts() { return read_receipts(impl_->connection); }

Result<std::vector<ReceiptRange>> read_receipts(sqlite::Connection& connection) {
  std::vector<ReceiptRange> ranges;
  ASSIGN_OR_RETURN(auto statement,
                   connection.prepare("SELECT boot_id,epoch,cpu_id,first,last FROM receipts"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, statement.step());
    if (!row) return ranges;
    ranges.push_back({.boot_id = guid_of(statement.blob(0)),
                      .epoch = guid_of(statement.blob(1)),
                      .cpu_id = static_cast<uint16_t>(statement.int64(2)),
                      .first = static_cast<uint64_t>(statement.int64(3)),
                      .last = static_cast<uint64_t>(statement.int64(4))});
  }
}

}  // namespace eventd::engine
