// The ids of a dictionary column: packed in blocks, or runs of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "engine/segments/integer_blocks.h"
#include "engine/segments/run_length.h"

namespace eventd::engine {

/// Bytes the ids will take, about.
size_t id_column_size(std::span<const int64_t> ids);
/// Writes the smaller of the two.
void append_id_column(std::span<const int64_t> ids, std::string& out);

/// Reads ids, each of which has an entry among `entries` when decode() succeeds. Immutable; any thread.
class IdColumn {
 public:
  IdColumn() = default;
  /// XX001 when the bytes are no such column of `rows` values.
  static Result<IdColumn> open(ByteSpan column, uint32_t rows, uint32_t entries);

  uint32_t rows() const { return rows_; }
  uint32_t blocks() const { return column_blocks(rows_); }
  /// Ids of a block; XX001 when one has no entry. Room for kColumnBlockRows. REQUIRES: block < blocks().
  Status decode(uint32_t block, uint32_t* out) const;
  /// The runs, when the ids are kept as such: whole runs can be filtered and counted at once.
  const RunLength* runs() const { return std::get_if<RunLength>(&ids_); }

 private:
  std::variant<IntegerBlocks, RunLength> ids_;
  uint32_t rows_ = 0, entries_ = 0;
};

}  // namespace eventd::engine
