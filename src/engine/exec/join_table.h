// The build side of a join: its rows, and a hash table of their numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/exec/row_store.h"
#include "engine/scan/cancel_token.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// What a JoinTable is made for. Immutable.
struct JoinTableLayout {
  std::vector<Oid> column_types;
  std::vector<Oid> key_types;
  /// For each key the column that holds it, or -1: then its values are kept besides.
  std::vector<int> key_columns;
  std::vector<uint8_t> nulls_equal;  ///< a key: NULL meets NULL
  /// Rows that can have no match are kept too (they are part of the result).
  bool keep_unmatchable = false;
  /// A row of NULLs at the end, for rows of the other side without a match.
  bool null_row = false;
};

/// Rows and, once finish() has run, the table. Owned by one thread until then; after it immutable
/// and readable by any number of threads. Without keys every row is a candidate of every probe.
class JoinTable {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  /// `layout` must outlive the table.
  explicit JoinTable(const JoinTableLayout& layout);

  /// Rows of the build side with their keys (one vector a key).
  Status add(const std::vector<Vector>& columns, std::span<const Vector> keys, uint32_t rows);
  Status absorb(const JoinTable& other);
  Status finish(const CancelToken* cancel);
  size_t memory_bytes() const;
  /// What finish() will add.
  size_t table_bytes_expected() const;

  /// Before finish(): what has been added so far.
  uint32_t stored_rows() const { return store_.size(); }
  Batch stored_batch(uint32_t first, uint32_t count) const;

  /// Without the row of NULLs.
  uint32_t row_count() const { return rows_; }
  uint32_t null_row() const { return rows_; }
  size_t column_count() const { return store_.column_count(); }
  /// One column; its row numbers are those of probes.
  const Vector& column(size_t i) const { return columns_[i]; }

  /// Groups of a dictionary's values, kept by one prober over its batches.
  struct ProbeCache {
    Vector dictionary;
    std::vector<uint32_t> firsts;
    const void* last = nullptr;
    std::vector<uint64_t> hashes;
  };
  /// first[i] = the first build row that equals row i in all keys, or kNone.
  void probe(std::span<const Vector> keys, uint32_t rows, ProbeCache& cache, uint32_t* first) const;
  /// The next row with the same keys, or kNone.
  uint32_t next(uint32_t row) const { return next_[row]; }

 private:
  struct Slot {
    uint32_t row_plus_1 = 0;
    uint32_t tag = 0;
  };
  bool has_null(std::span<const Vector> keys, uint32_t row) const;
  bool equal(uint32_t build_row, std::span<const Vector> keys, uint32_t row) const;
  void probe_hashed(std::span<const Vector> keys, uint32_t rows, ProbeCache& cache, uint32_t* first) const;
  template <class T>
  void probe_fixed(const Vector& key, uint32_t rows, const uint64_t* hashes, uint32_t* first) const;
  bool probe_dictionary(const Vector& key, uint32_t rows, ProbeCache& cache, uint32_t* first) const;
  void insert(uint32_t row, uint64_t hash);

  const JoinTableLayout* layout_;
  RowStore store_, key_store_;
  std::vector<Vector> columns_, keys_;  // of the stores, once complete
  uint32_t rows_ = 0;
  std::vector<Slot> slots_;
  std::vector<uint32_t> next_;
};

}  // namespace eventd::engine
