// Rows kept by column in one piece: build sides of joins, right sides of nested loops.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// Append-only; every column is one flat vector, so that row numbers are dictionary ids. Owns the
/// bytes of its strings; those of a dictionary are copied once, not once a row. Owned by one thread
/// while it grows, readable by any number after that.
class RowStore {
 public:
  explicit RowStore(const std::vector<Oid>& types);

  /// Appends `rows` rows of `columns` (of the store's types). 53200 past 2^31 rows.
  Status append(std::span<const Vector> columns, uint32_t rows);
  /// Appends rows `ids[0 … count)` only.
  Status append(std::span<const Vector> columns, const uint32_t* ids, uint32_t count);
  /// Appends all rows of `other` (same types), sharing the bytes of its strings.
  Status absorb(const RowStore& other);
  /// One more row, of NULLs only. Its number is the result.
  Result<uint32_t> append_nulls();

  uint32_t size() const { return size_; }
  size_t column_count() const { return columns_.size(); }
  /// Flat, size() rows long. A later append may move it: take it when the store is complete.
  Vector column(size_t i) const;
  size_t memory_bytes() const;
  /// Forgets what only appending needs.
  void seal();

 private:
  struct Column {
    Vector data;
    // Strings of the dictionary met last, copied; the vector keeps its identity its own.
    Vector dictionary;
    std::vector<StringRef> strings;
    std::vector<uint8_t> copied;
  };
  Status reserve(uint32_t rows);
  void append_column(Column& column, const Vector& from, const uint32_t* ids, uint32_t count);
  void append_strings(Column& column, const Vector& from, const uint32_t* ids, uint32_t count);

  std::vector<Column> columns_;
  std::shared_ptr<StringHeap> heap_ = std::make_shared<StringHeap>();
  uint32_t size_ = 0, capacity_ = 0;
};

}  // namespace eventd::engine
