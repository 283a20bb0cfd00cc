#include "engine/exec/spill_format.h"

#include <algorithm>
#include <cstring>

#include "bytes.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine::spill_format {

namespace {

constexpr uint32_t kMagic = 0x4c495053;  // "SPIL"
constexpr size_t kRecordHeaderBytes = 8;
constexpr size_t kRowBytesMax = size_t{1} << 30;

Status corrupted() { return {sqlstate::kDataCorrupted, "temporary file is corrupted"}; }

/// Tells damage, not forgery: 8 bytes a step.
uint64_t checksum(const char* data, size_t size) {
  uint64_t sum = size * 0x9e3779b97f4a7c15U;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    sum = (sum ^ load_le<uint64_t>(data + i)) * 0xd6e8feb86659fd93U;
    sum ^= sum >> 29;
  }
  uint64_t rest = 0;
  if (i < size) std::memcpy(&rest, data + i, size - i);
  sum = (sum ^ rest) * 0xd6e8feb86659fd93U;
  return sum ^ sum >> 32;
}

/// Bytes not yet written, at the end of `to`.
char* extend(std::string& to, size_t bytes) {
  const size_t before = to.size();
  to.resize(before + bytes);
  return to.data() + before;
}

void append_validity(const Vector& column, const uint32_t* rows, uint32_t count, std::string& to) {
  bool nulls = false;
  for (uint32_t i = 0; i < count && !nulls; ++i) nulls = column.is_null(rows[i]);
  to.push_back(nulls ? 1 : 0);
  if (!nulls) return;
  char* bits = extend(to, (count + 7) / 8);
  for (uint32_t i = 0; i < count; ++i) {
    if (!column.is_null(rows[i])) bits[i / 8] = static_cast<char>(bits[i / 8] | 1 << (i % 8));
  }
}

void append_strings(const VectorView<StringRef>& values, const uint32_t* rows, uint32_t count,
                    std::string& to) {
  size_t total = 0;
  char* lengths = extend(to, size_t{4} * count);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t size = values.valid(rows[i]) ? values[rows[i]].size : 0;
    store_le(lengths + size_t{4} * i, size);
    total += size;
  }
  char* bytes = extend(to, total);
  for (uint32_t i = 0; i < count; ++i) {
    if (!values.valid(rows[i])) continue;
    const StringRef& value = values[rows[i]];
    if (value.size > 0) std::memcpy(bytes, value.data, value.size);
    bytes += value.size;
  }
}

/// Reads within [at, end); `at` moves on. False past the end.
struct Cursor {
  const char* at;
  const char* end;
  const char* take(size_t bytes) {
    if (bytes > static_cast<size_t>(end - at)) return nullptr;
    const char* result = at;
    at += bytes;
    return result;
  }
};

bool decode_strings(Cursor& cursor, uint32_t rows, StringRef* to) {
  const char* lengths = cursor.take(size_t{4} * rows);
  if (lengths == nullptr) return false;
  for (uint32_t i = 0; i < rows; ++i) {
    const uint32_t size = load_le<uint32_t>(lengths + size_t{4} * i);
    const char* bytes = cursor.take(size);
    if (bytes == nullptr) return false;
    to[i] = {bytes, size};
  }
  return true;
}

}  // namespace

size_t record_overhead_bytes(size_t columns) {
  return kRecordHeaderBytes + 2 * columns;
}

Status row_bytes(const Batch& batch, const std::vector<Oid>& types, const uint32_t* rows, uint32_t count,
                 std::vector<uint32_t>& out) {
  size_t fixed = (types.size() + 7) / 8;  // of the bitmaps
  for (const Oid type : types) {
    const Physical physical = physical_of(type);
    fixed += physical == Physical::kBytes ? 4 : physical_size(physical);
  }
  out.assign(count, static_cast<uint32_t>(fixed));
  for (size_t c = 0; c < types.size(); ++c) {
    if (physical_of(types[c]) != Physical::kBytes) continue;
    const VectorView<StringRef> values(batch.columns[c]);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = rows != nullptr ? rows[i] : i;
      if (!values.valid(row)) continue;
      const size_t bytes = size_t{out[i]} + values[row].size;
      if (bytes > kRowBytesMax) {
        return {sqlstate::kProgramLimitExceeded, "a row is too large to be kept in a temporary file"};
      }
      out[i] = static_cast<uint32_t>(bytes);
    }
  }
  return {};
}

void append_record(const Batch& batch, const std::vector<Oid>& types, const uint32_t* rows, uint32_t count,
                   std::string& to) {
  const size_t begin = to.size();
  extend(to, kRecordHeaderBytes);
  for (size_t c = 0; c < types.size(); ++c) {
    const Vector& column = batch.columns[c];
    append_validity(column, rows, count, to);
    dispatch_physical(physical_of(types[c]), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const VectorView<T> values(column);
      if constexpr (std::is_same_v<T, StringRef>) {
        append_strings(values, rows, count, to);
      } else {
        char* out = extend(to, sizeof(T) * count);
        for (uint32_t i = 0; i < count; ++i) {
          // The place of a NULL may never have been written.
          if (values.valid(rows[i])) std::memcpy(out + sizeof(T) * i, &values[rows[i]], sizeof(T));
        }
      }
    });
  }
  store_le(to.data() + begin, static_cast<uint32_t>(to.size() - begin));
  store_le(to.data() + begin + 4, count);
}

void seal_block(std::string& block) {
  const size_t bytes = block.size() - kBlockHeaderBytes;
  store_le(block.data(), kMagic);
  store_le(block.data() + 4, static_cast<uint32_t>(bytes));
  store_le(block.data() + 8, checksum(block.data() + kBlockHeaderBytes, bytes));
}

Status check_block(const char* block, size_t bytes) {
  if (bytes < kBlockHeaderBytes || load_le<uint32_t>(block) != kMagic ||
      load_le<uint32_t>(block + 4) != bytes - kBlockHeaderBytes ||
      load_le<uint64_t>(block + 8) != checksum(block + kBlockHeaderBytes, bytes - kBlockHeaderBytes)) {
    return corrupted();
  }
  return {};
}

Result<Record> record_at(const char* at, const char* end) {
  const size_t left = static_cast<size_t>(end - at);
  if (left < kRecordHeaderBytes) return corrupted();
  const uint32_t bytes = load_le<uint32_t>(at);
  const uint32_t rows = load_le<uint32_t>(at + 4);
  if (bytes < kRecordHeaderBytes || bytes > left || rows == 0 || rows > kBatchRows) return corrupted();
  return Record{at + kRecordHeaderBytes, at + bytes, rows};
}

Status decode_record(const Record& record, uint32_t first, Batch& batch) {
  Cursor cursor{record.data, record.end};
  for (Vector& column : batch.columns) {
    const char* nulls = cursor.take(1);
    if (nulls == nullptr) return corrupted();
    if (*nulls != 0) {
      const char* bits = cursor.take((record.rows + 7) / 8);
      if (bits == nullptr) return corrupted();
      for (uint32_t i = 0; i < record.rows; ++i) {
        if ((bits[i / 8] >> (i % 8) & 1) == 0) column.set_null(first + i);
      }
    }
    const bool whole = dispatch_physical(physical_of(column.type()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_same_v<T, StringRef>) {
        return decode_strings(cursor, record.rows, column.data<T>() + first);
      } else {
        const char* values = cursor.take(sizeof(T) * record.rows);
        if (values == nullptr) return false;
        std::memcpy(column.data<T>() + first, values, sizeof(T) * record.rows);
        return true;
      }
    });
    if (!whole) return corrupted();
  }
  return cursor.at == cursor.end ? Status() : corrupted();
}

}  // namespace eventd::engine::spill_format
