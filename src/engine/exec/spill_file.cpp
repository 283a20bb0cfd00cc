#include "engine/exec/spill_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "engine/exec/spill_format.h"
#include "engine/scan/cancel_token.h"

namespace eventd::engine {

namespace {

Status spill_io_error(const char* what, int cause) {
  const bool full = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
  return {full ? sqlstate::kDiskFull : sqlstate::kIoError,
          std::string("could not ") + what + " temporary file: " + std::strerror(cause)};
}

}  // namespace

Result<std::shared_ptr<SpillFile>> SpillFile::create(const OperatorContext& context) {
  ASSIGN_OR_RETURN(UniqueFd fd, context.temp->create_file());
  return std::shared_ptr<SpillFile>(new SpillFile(*context.temp, context.cancel, std::move(fd)));
}

SpillFile::~SpillFile() { space_.release(held_bytes_.load()); }

Result<SpillBlock> SpillFile::append(const char* data, size_t bytes) {
  if (cancel_ != nullptr) RETURN_IF_ERROR(cancel_->check());
  RETURN_IF_ERROR(space_.reserve(bytes));
  held_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  const uint64_t offset = end_.fetch_add(bytes, std::memory_order_relaxed);
  for (size_t done = 0; done < bytes;) {
    const ssize_t written =
        space_.calls().write_at(fd_.get(), data + done, bytes - done, static_cast<off_t>(offset + done));
    if (written < 0 && errno == EINTR) continue;
    // Nothing written and no reason given is a full disk, as PostgreSQL takes it.
    if (written <= 0) return spill_io_error("write to", written < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(written);
  }
  return SpillBlock{offset, static_cast<uint32_t>(bytes)};
}

Status SpillFile::read(const SpillBlock& block, char* to) const {
  if (cancel_ != nullptr) RETURN_IF_ERROR(cancel_->check());
  for (size_t done = 0; done < block.bytes;) {
    const ssize_t got = space_.calls().read_at(fd_.get(), to + done, block.bytes - done,
                                               static_cast<off_t>(block.offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return spill_io_error("read from", errno);
    if (got == 0) {
      return {sqlstate::kDataCorrupted, "could not read from temporary file: read only " +
                                            std::to_string(done) + " of " +
                                            std::to_string(block.bytes) + " bytes"};
    }
    done += static_cast<size_t>(got);
  }
  return {};
}

void SpillFile::discard(const SpillBlock& block) {
  // A file system that cannot make holes keeps the space until the file is closed, and so does the
  // account.
  if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(block.offset), static_cast<off_t>(block.bytes)) != 0) {
    return;
  }
  held_bytes_.fetch_sub(block.bytes, std::memory_order_relaxed);
  space_.release(block.bytes);
}

size_t spill_block_bytes(const OperatorContext& context) {
  constexpr size_t kLeast = size_t{4} << 10, kMost = size_t{64} << 10;
  if (context.memory == nullptr) return kMost;
  return std::clamp(context.memory->limit_bytes() / 256, kLeast, kMost);
}

SpillStream::SpillStream(const OperatorContext& context, std::shared_ptr<SpillFile> file,
                         std::vector<Oid> types)
    : context_(context), file_(std::move(file)), types_(std::move(types)),
      block_bytes_(spill_block_bytes(context)) {}

SpillStream::~SpillStream() {
  if (context_.memory != nullptr && accounted_bytes_ > 0) context_.memory->shrink(accounted_bytes_);
}

Status SpillStream::write(const Batch& batch) { return write(batch, nullptr, batch.size); }

Status SpillStream::write(const Batch& batch, const uint32_t* rows, uint32_t count) {
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  if (count == 0) return {};
  if (accounted_bytes_ == 0 && context_.memory != nullptr) {
    RETURN_IF_ERROR(context_.memory->grow(block_bytes_));
    accounted_bytes_ = block_bytes_;
  }
  RETURN_IF_ERROR(spill_format::row_bytes(batch, types_, rows, count, row_bytes_));
  std::vector<uint32_t> every;
  if (rows == nullptr) {
    every.resize(count);
    for (uint32_t i = 0; i < count; ++i) every[i] = i;
    rows = every.data();
  }
  for (uint32_t first = 0; first < count;) {
    // As many rows as still fit the block; one at least.
    const size_t begun = std::max(buffer_.size(), spill_format::kBlockHeaderBytes);
    size_t bytes = begun + spill_format::record_overhead_bytes(types_.size());
    uint32_t taken = 0;
    while (first + taken < count && (bytes + row_bytes_[first + taken] <= block_bytes_)) {
      bytes += row_bytes_[first + taken++];
    }
    if (taken == 0 && begun > spill_format::kBlockHeaderBytes) {
      RETURN_IF_ERROR(flush());
      continue;
    }
    taken = std::max(taken, uint32_t{1});
    if (buffer_.empty()) buffer_.resize(spill_format::kBlockHeaderBytes);
    spill_format::append_record(batch, types_, rows + first, taken, buffer_);
    first += taken;
    row_count_ += taken;
    if (buffer_.size() >= block_bytes_) RETURN_IF_ERROR(flush());
  }
  return {};
}

Status SpillStream::flush() {
  if (buffer_.empty()) return {};
  spill_format::seal_block(buffer_);
  ASSIGN_OR_RETURN(const SpillBlock block, file_->append(buffer_.data(), buffer_.size()));
  blocks_->push_back(block);
  byte_count_ += block.bytes;
  // A value larger than a block must not stay allocated.
  if (buffer_.capacity() > block_bytes_ * 4) std::string().swap(buffer_);
  buffer_.clear();
  return {};
}

Status SpillStream::finish() {
  RETURN_IF_ERROR(flush());
  std::string().swap(buffer_);
  std::vector<uint32_t>().swap(row_bytes_);
  if (context_.memory != nullptr && accounted_bytes_ > 0) context_.memory->shrink(accounted_bytes_);
  accounted_bytes_ = 0;
  return {};
}

SpillReader SpillStream::read(bool last) const { return {context_, file_, blocks_, types_, last}; }

Status SpillReader::load() {
  const SpillBlock& block = (*blocks_)[next_block_++];
  auto heap = std::make_shared<StringHeap>();
  char* bytes = heap->allocate(block.bytes);
  RETURN_IF_ERROR(file_->read(block, bytes));
  RETURN_IF_ERROR(spill_format::check_block(bytes, block.bytes));
  if (last_) file_->discard(block);
  at_ = bytes + spill_format::kBlockHeaderBytes;
  end_ = bytes + block.bytes;
  bytes_ = std::move(heap);
  return {};
}

Result<bool> SpillReader::next(Batch& batch) {
  while (at_ == end_) {
    bytes_.reset();
    if (next_block_ >= blocks_->size()) return false;
    RETURN_IF_ERROR(load());
  }
  // Small records (partitions write a few rows at a time) are put together.
  const char* stop = at_;
  uint32_t rows = 0;
  while (stop < end_) {
    ASSIGN_OR_RETURN(const spill_format::Record record, spill_format::record_at(stop, end_));
    if (rows + record.rows > kBatchRows) break;
    rows += record.rows;
    stop = record.end;
  }
  batch.columns.clear();
  batch.size = rows;
  for (const Oid type : types_) batch.columns.push_back(Vector::flat(type, rows));
  uint32_t first = 0;
  for (; at_ < stop;) {
    ASSIGN_OR_RETURN(const spill_format::Record record, spill_format::record_at(at_, end_));
    RETURN_IF_ERROR(spill_format::decode_record(record, first, batch));
    first += record.rows;
    at_ = record.end;
  }
  for (Vector& column : batch.columns) {
    if (physical_of(column.type()) == Physical::kBytes) column.share_heap(bytes_);
  }
  return true;
}

}  // namespace eventd::engine
