// Finds the matches of probe rows in a JoinTable, a batch at a time.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/join_plan.h"

namespace eventd::engine {

/// Owned by one thread at a time. start(), then take() and next() until false, for each batch; at
/// the end next_unmatched() until false.
class JoinProber {
 public:
  JoinProber(const OperatorContext& context, std::shared_ptr<const JoinPlan> plan);

  /// The table to look into from now on; it outlives its use.
  void start(const JoinTable& table);
  /// Probe rows. REQUIRES: the rows of the last batch have been given out.
  Status take(Batch batch);
  Status take(Batch batch, std::vector<Vector> keys);
  /// The next rows of the result that the batch taken has; false: take() more. Checks for
  /// cancellation.
  Result<bool> next(Batch& out);
  /// plan.build_outer, after all probe rows: the build rows without a match.
  bool next_unmatched(Batch& out);

 private:
  /// Fills the candidate pairs with the next ones, at most kBatchRows; false at the end.
  bool next_candidates();
  void next_hash_candidates();
  void next_loop_candidates();
  Status keep_matches();
  Result<uint32_t> filter_candidates();
  Batch pair_columns(std::vector<Vector> probe, std::vector<Vector> build, uint32_t size) const;
  Batch emit_pairs(uint32_t count);
  bool emit_by_match(Batch& out, bool matched);
  bool is_done(uint32_t row) const { return stop_at_match_ && matched_[row] != 0; }

  const OperatorContext context_;
  const std::shared_ptr<const JoinPlan> plan_;
  const bool stop_at_match_;
  const JoinTable* table_ = nullptr;
  JoinTable::ProbeCache cache_;
  std::vector<uint8_t> build_matched_;

  // The batch taken.
  Batch batch_;
  std::unique_ptr<uint32_t[]> first_;   // with keys: first build row of each row
  std::unique_ptr<uint8_t[]> matched_;  // of each row
  bool exhausted_ = true;               // no more candidates
  bool ended_ = true;                   // nothing more to give
  uint32_t row_ = 0;                    // the next candidates': probe row,
  uint32_t build_row_ = 0;              // and build row

  // Candidates. A block is one probe row beside build rows [block_first_, …).
  bool is_block_ = false;
  uint32_t block_row_ = 0, block_first_ = 0;
  uint32_t candidates_ = 0;
  std::vector<uint32_t> candidate_probe_, candidate_build_;
  std::unique_ptr<uint32_t[]> kept_;

  // Pairs found and not given out yet.
  std::vector<uint32_t> found_probe_, found_build_;
  uint32_t unmatched_row_ = 0;
};

}  // namespace eventd::engine
