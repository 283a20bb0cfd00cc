// The rows of a fragment, read by several workers.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/exec/fragment.h"
#include "engine/exec/gather_operators.h"

namespace eventd::engine {

/// Gives the rows of a fragment in no order. Workers read some batches ahead, then wait until those
/// are taken: what they hold is bounded, and none of them runs outside next(). Threads: see
/// BatchSource.
class GatherRowsOperator : public BatchSource {
 public:
  GatherRowsOperator(const OperatorContext& context, OperatorStats* stats, Fragment fragment,
                     GatherOptions options)
      : BatchSource(context, stats), fragment_(std::move(fragment)), options_(options) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  /// A worker's copy of the fragment, which any worker may go on with.
  struct Copy {
    BatchSourcePtr source;
    bool busy = false, done = false;
  };
  /// Fills `ready_`; nothing is left when it stays empty.
  Status run_round();
  Status work(const std::atomic<bool>& stop);
  /// A copy nobody has, or a new one; null = there is nothing for one more worker. A worker has at
  /// most one.
  Copy* claim();
  void give_back(Copy& copy, bool done);
  /// False when the round has enough.
  bool add(Batch batch);

  // A round is some milliseconds of work.
  static constexpr size_t kBatchesPerWorker = 4;

  const Fragment fragment_;
  const GatherOptions options_;
  std::mutex mutex_;
  // Guarded by mutex_ while a round runs:
  std::deque<Copy> copies_;
  bool scanned_ = false;  ///< a copy has come to its end: others have only what they began
  std::vector<Batch> ready_;
  size_t taken_ = 0;
};

}  // namespace eventd::engine
