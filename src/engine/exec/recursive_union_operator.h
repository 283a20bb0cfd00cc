// WITH RECURSIVE.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/group_table.h"
#include "engine/exec/query_scope.h"
#include "engine/exec/kept_rows.h"
#include "engine/exec/sub_execution.h"

namespace eventd::engine {

/// The rows of the first child, then those of the second over what the round before added, until a
/// round adds none. Rounds begin when their rows are asked for: a LIMIT above ends a recursion
/// that has no end. Threads: see BatchSource.
class RecursiveUnionOperator : public BatchSource {
 public:
  /// `node` (kRecursiveUnion) outlives the operator; `inner.scope` begins with its working table.
  RecursiveUnionOperator(const OperatorContext& context, OperatorStats* stats, const PlanNode& node,
                         BatchSourcePtr first, InnerContext inner);

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Result<bool> next_of_round(Batch& batch);
  Status start_round();
  Status keep_new(Batch& batch);

  const PlanNode& node_;
  const std::vector<Oid> types_;
  BatchSourcePtr first_;
  InnerContext inner_;
  std::unique_ptr<SubExecution> round_;
  std::shared_ptr<KeptRows> added_;  // by the round under way
  std::unique_ptr<GroupTable> seen_;  // UNION without ALL
  MemoryGrant seen_grant_;
  std::unique_ptr<uint32_t[]> groups_;
};

}  // namespace eventd::engine
