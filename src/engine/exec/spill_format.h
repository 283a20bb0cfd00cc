// The bytes of spilled rows (drawn in spill_file.h). Private to engine/exec. No I/O, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine::spill_format {

inline constexpr size_t kBlockHeaderBytes = 16;

/// Upper bound of what a record takes besides its rows' bytes.
size_t record_overhead_bytes(size_t columns);
/// What each of the rows takes (rows null: the first `count`). 54000 for more than a block may hold.
Status row_bytes(const Batch& batch, const std::vector<Oid>& types, const uint32_t* rows, uint32_t count,
                 std::vector<uint32_t>& out);
void append_record(const Batch& batch, const std::vector<Oid>& types, const uint32_t* rows, uint32_t count,
                   std::string& to);
/// Fills in the header in front of the records.
void seal_block(std::string& block);
/// XX001.
Status check_block(const char* block, size_t bytes);

struct Record {
  const char* data;
  const char* end;
  uint32_t rows;
};
/// REQUIRES: at < end. XX001.
Result<Record> record_at(const char* at, const char* end);
/// Writes the rows into the flat columns of `batch` from row `first` on; strings refer to the
/// record's bytes. XX001.
Status decode_record(const Record& record, uint32_t first, Batch& batch);

}  // namespace eventd::engine::spill_format
