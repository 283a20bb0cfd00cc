// INTERSECT and EXCEPT.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/group_table.h"
#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// How often each distinct row is on either side decides how often it is in the result. Threads:
/// see BatchSource.
class SetOperationOperator : public BatchSource {
 public:
  SetOperationOperator(const OperatorContext& context, OperatorStats* stats, const PlanNode& node,
                       BatchSourcePtr left, BatchSourcePtr right);

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status count(BatchSource& source, std::vector<uint64_t>& counts);
  uint64_t copies(size_t group) const;

  const SetOperation operation_;
  const bool all_;
  BatchSourcePtr left_, right_;
  GroupTable rows_;
  std::vector<uint64_t> left_counts_, right_counts_;
  MemoryGrant grant_;
  bool counted_ = false;
  uint32_t next_chunk_ = 0;
  uint32_t next_row_ = 0;   // within the chunk
  uint64_t given_ = 0;      // copies of that row given already
};

}  // namespace eventd::engine
