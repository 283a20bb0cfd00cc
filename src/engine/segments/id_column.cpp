#include "engine/segments/id_column.h"

#include <algorithm>

namespace eventd::engine {

size_t id_column_size(std::span<const int64_t> ids) {
  return runs_size_if_less(ids, IntegerBlocksPlan(ids).size());
}

void append_id_column(std::span<const int64_t> ids, std::string& out) {
  const IntegerBlocksPlan blocks(ids);
  if (runs_size_if_less(ids, blocks.size()) < blocks.size()) return append_run_length(ids, out);
  blocks.append(out);
}

Result<IdColumn> IdColumn::open(ByteSpan column, uint32_t rows, uint32_t entries) {
  FormatReader reader(column);
  ASSIGN_OR_RETURN(const ColumnEncoding encoding, read_column_header(reader, rows));
  IdColumn ids;
  ids.rows_ = rows;
  ids.entries_ = entries;
  if (encoding == ColumnEncoding::kRunLength) {
    ASSIGN_OR_RETURN(ids.ids_, RunLength::open(column, rows));
  } else {
    ASSIGN_OR_RETURN(ids.ids_, IntegerBlocks::open(column, rows));
  }
  return ids;
}

Status IdColumn::decode(uint32_t block, uint32_t* out) const {
  const uint32_t rows = column_block_rows(rows_, block);
  if (const RunLength* runs = this->runs()) {
    runs->decode(block * kColumnBlockRows, rows, out);
  } else {
    std::get<IntegerBlocks>(ids_).decode_ids(block, out);
  }
  uint32_t greatest = 0;
  for (uint32_t i = 0; i < rows; ++i) greatest = std::max(greatest, out[i]);
  if (greatest >= entries_) return column_damaged("an id has no entry in its dictionary");
  return {};
}

}  // namespace eventd::engine
