// Rows on disk: blocks in an unnamed file, and streams of batches made of such blocks.
//
//   block   u32 magic · u32 bytes of the records · u64 checksum of the records · records
//   record  u32 its bytes · u32 rows · for each column: u8 has NULLs · [bitmap, 1 = valid] ·
//           values (fixed size, zero for NULL), or u32 lengths · the bytes
//
// Little-endian; read only by the process that wrote it. Column types are known to the owner.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/temp_space.h"
#include "engine/vector/vector.h"
#include "result.h"
#include "unique_fd.h"

namespace eventd::engine {

/// Where a block lies.
struct SpillBlock {
  uint64_t offset;
  uint32_t bytes;  ///< with its header
};

/// One temporary file, of which streams take blocks. Thread-safe. Its space and its bytes of
/// temp_file_limit go when it is destroyed, or block by block with discard().
class SpillFile {
 public:
  /// REQUIRES: context.temp. The file is opened now. 58030, 53100.
  static Result<std::shared_ptr<SpillFile>> create(const OperatorContext& context);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  /// 57014, 53400 past temp_file_limit, 53100 when the disk is full, 58030.
  Result<SpillBlock> append(const char* data, size_t bytes);
  /// XX001 when the file ends before the block does.
  Status read(const SpillBlock& block, char* to) const;
  /// The block will not be read again: gives its space back.
  void discard(const SpillBlock& block);

 private:
  SpillFile(TempSpace& space, const CancelToken* cancel, UniqueFd fd)
      : space_(space), cancel_(cancel), fd_(std::move(fd)) {}

  TempSpace& space_;
  const CancelToken* const cancel_;
  const UniqueFd fd_;
  std::atomic<uint64_t> end_{0};
  std::atomic<uint64_t> held_bytes_{0};
};

/// Bytes of a block of one query: less when query_buffer is small.
size_t spill_block_bytes(const OperatorContext& context);

class SpillReader;

/// Rows written one after the other, then read in that order. Owned by one thread at a time;
/// several streams may share a file. Holds one block of memory while it is being written.
class SpillStream {
 public:
  SpillStream(const OperatorContext& context, std::shared_ptr<SpillFile> file, std::vector<Oid> types);
  ~SpillStream();
  SpillStream(const SpillStream&) = delete;
  SpillStream& operator=(const SpillStream&) = delete;

  /// Appends all rows, or the rows `rows[0 … count)`. REQUIRES: columns of the types given, before
  /// finish(). Errors: those of SpillFile::append, 53200, 54000 for a row of more than 1 GB.
  Status write(const Batch& batch);
  Status write(const Batch& batch, const uint32_t* rows, uint32_t count);
  /// Ends writing; frees the buffer.
  Status finish();

  uint64_t row_count() const { return row_count_; }
  uint64_t byte_count() const { return byte_count_; }
  const std::vector<Oid>& types() const { return types_; }
  /// From the first row. REQUIRES: finish() was called; the reader may outlive the stream. With
  /// `last`, what has been read is given back to the file at once: no other reader may follow.
  SpillReader read(bool last = true) const;

 private:
  Status flush();

  const OperatorContext context_;
  std::shared_ptr<SpillFile> file_;
  const std::vector<Oid> types_;
  const size_t block_bytes_;
  std::string buffer_;
  std::vector<uint32_t> row_bytes_;
  size_t accounted_bytes_ = 0;
  uint64_t row_count_ = 0;
  uint64_t byte_count_ = 0;
  std::shared_ptr<std::vector<SpillBlock>> blocks_ = std::make_shared<std::vector<SpillBlock>>();
};

/// Reads a stream. Owned by one thread at a time; movable.
class SpillReader {
 public:
  SpillReader(const OperatorContext& context, std::shared_ptr<SpillFile> file,
              std::shared_ptr<const std::vector<SpillBlock>> blocks, std::vector<Oid> types, bool last)
      : context_(context), file_(std::move(file)), blocks_(std::move(blocks)),
        types_(std::move(types)), last_(last) {}

  /// The next rows (at most kBatchRows, flat), or false at the end. The batch keeps its block alive.
  /// Checks for cancellation. Errors: 57014, XX001, 58030.
  Result<bool> next(Batch& batch);

 private:
  Status load();

  OperatorContext context_;
  std::shared_ptr<SpillFile> file_;
  std::shared_ptr<const std::vector<SpillBlock>> blocks_;
  std::vector<Oid> types_;
  bool last_;
  size_t next_block_ = 0;
  std::shared_ptr<const StringHeap> bytes_;  // the block, whose strings batches refer to
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace eventd::engine
