#include "engine/exec/spill_partitions.h"

namespace eventd::engine {

SpillPartitions::SpillPartitions(const OperatorContext& context, std::shared_ptr<SpillFile> file,
                                 std::vector<Oid> types, uint32_t level)
    : level_(level) {
  for (uint32_t i = 0; i < kFanout; ++i) {
    streams_.push_back(std::make_unique<SpillStream>(context, file, types));
  }
}

Result<std::unique_ptr<SpillPartitions>> SpillPartitions::create(const OperatorContext& context,
                                                                 std::vector<Oid> types, uint32_t level) {
  ASSIGN_OR_RETURN(std::shared_ptr<SpillFile> file, SpillFile::create(context));
  return std::unique_ptr<SpillPartitions>(
      new SpillPartitions(context, std::move(file), std::move(types), level));
}

Status SpillPartitions::add(const Batch& batch, const uint64_t* hashes) {
  for (uint32_t i = 0; i < batch.size; ++i) rows_[partition_of(hashes[i], level_)].push_back(i);
  return write(batch);
}

Status SpillPartitions::add(const Batch& batch, const uint64_t* hashes, const uint32_t* rows,
                            uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) rows_[partition_of(hashes[rows[i]], level_)].push_back(rows[i]);
  return write(batch);
}

Status SpillPartitions::write(const Batch& batch) {
  for (uint32_t p = 0; p < kFanout; ++p) {
    const uint32_t own = static_cast<uint32_t>(rows_[p].size());
    if (own > 0) RETURN_IF_ERROR(streams_[p]->write(batch, rows_[p].data(), own));
    rows_[p].clear();
  }
  return {};
}

Status SpillPartitions::finish() {
  for (const std::unique_ptr<SpillStream>& stream : streams_) RETURN_IF_ERROR(stream->finish());
  return {};
}

}  // namespace eventd::engine
