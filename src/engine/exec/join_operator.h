// The probe side of a join.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/join_build.h"
#include "engine/exec/join_prober.h"

namespace eventd::engine {

/// Rows of `child` joined with those of a build side. Several of them may share one build side if
/// its plan has no build_outer. Threads: see BatchSource.
class JoinOperator : public BatchSource {
 public:
  JoinOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
               std::shared_ptr<JoinBuild> build);
  ~JoinOperator() override;

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  class Partitions;
  Result<bool> produce_from_memory(Batch& batch);
  Result<bool> produce_from_disk(Batch& batch);
  Status divide_child();

  BatchSourcePtr child_;
  std::shared_ptr<JoinBuild> build_;
  JoinProber prober_;
  bool prepared_ = false;
  bool child_ended_ = false;
  std::unique_ptr<Partitions> partitions_;
};

}  // namespace eventd::engine
