// Rows divided by the hash of their keys, on disk: what a hash operator does past its memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/exec/spill_file.h"

namespace eventd::engine {

/// kFanout streams in one file. Level 0 divides by the topmost bits of the hash, each further
/// level by the next ones; equal keys are always in one partition. The owner reads a partition back
/// and, when it is still too large, divides it again one level deeper. Owned by one thread at a time.
class SpillPartitions {
 public:
  static constexpr uint32_t kBits = 4;
  static constexpr uint32_t kFanout = 1U << kBits;
  /// Deeper than this dividing is no use: the keys are equal, or their hashes are.
  static constexpr uint32_t kLevelsMax = 6;

  static uint32_t partition_of(uint64_t hash, uint32_t level) {
    return static_cast<uint32_t>(hash >> (64 - kBits * (level + 1))) & (kFanout - 1);
  }

  /// REQUIRES: context.temp, level < kLevelsMax.
  static Result<std::unique_ptr<SpillPartitions>> create(const OperatorContext& context,
                                                         std::vector<Oid> types, uint32_t level);
  /// Writes row i to the partition of hashes[i]. Errors: those of SpillStream::write.
  Status add(const Batch& batch, const uint64_t* hashes);
  /// Writes rows[0 … count); row r goes by hashes[r].
  Status add(const Batch& batch, const uint64_t* hashes, const uint32_t* rows, uint32_t count);
  /// Ends writing.
  Status finish();

  uint32_t level() const { return level_; }
  /// A partition, possibly of no rows. REQUIRES: finish().
  const SpillStream& partition(uint32_t index) const { return *streams_[index]; }

 private:
  SpillPartitions(const OperatorContext& context, std::shared_ptr<SpillFile> file, std::vector<Oid> types,
                  uint32_t level);
  Status write(const Batch& batch);
  const uint32_t level_;
  std::vector<std::unique_ptr<SpillStream>> streams_;
  std::array<std::vector<uint32_t>, kFanout> rows_;
};

}  // namespace eventd::engine
