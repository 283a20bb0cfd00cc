// Every fixed limit of the engine in one place. Configurable ones are settings, not here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eventd::engine {

/// Rows in one batch between operators.
inline constexpr uint32_t kBatchRows = 2048;
/// Texts and payloads a scan puts into one batch, bytes; the row that passes it is the last one.
inline constexpr uint64_t kScanBatchBytes = uint64_t{4} << 20;
/// Nesting of an expression or subquery; deeper is 54001.
inline constexpr int kExpressionDepthMax = 1000;
/// Terms of an AND/OR chain and elements of an IN list, flattened; more is 54001.
inline constexpr size_t kExpressionTermsMax = 65'536;
/// Prepared statements one session may keep; more is 53400.
inline constexpr size_t kPreparedStatementsMax = 10'000;
/// Savepoints open at once in one transaction; more is 54000.
inline constexpr size_t kSavepointsMax = 10'000;
/// Bytes of one row of COPY data; more is 54000.
inline constexpr size_t kCopyRowBytesMax = size_t{64} << 20;
/// As PostgreSQL.
inline constexpr int kTargetListMax = 1664;
inline constexpr int kParametersMax = 65'535;
inline constexpr size_t kIdentifierBytesMax = 63;
/// Bytes of one field (text, bytea, jsonb), as PostgreSQL's 1 GB.
inline constexpr size_t kFieldBytesMax = (size_t{1} << 30) - 1;
/// Longest a scan holds one SQLite read transaction.
inline constexpr int64_t kScanSliceNs = 50'000'000;
/// Rows a hot tail table holds before the writer goes on to the next.
inline constexpr uint32_t kTailRowsMax = 65'536;
inline constexpr uint32_t kTailTables = 8;
/// Last rows of a shard that may lack their receipts, if they came by SQL.
inline constexpr uint32_t kDeferredReceiptRowsMax = 1024;
/// Shards one node may write.
inline constexpr uint32_t kShardsMax = 256;
/// cpu_id of rows that came by SQL is this plus the shard's index.
inline constexpr uint16_t kSqlCpuIdBase = 32'768;

static_assert(kSqlCpuIdBase + kShardsMax <= 65'536, "cpu_id is 16 bits on the ring");
static_assert((kBatchRows & (kBatchRows - 1)) == 0 && kBatchRows % 64 == 0,
              "validity bitmaps are whole words");

}  // namespace eventd::engine
