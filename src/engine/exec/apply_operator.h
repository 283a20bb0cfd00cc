// LATERAL: a plan run for each row of another.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/exec/kept_rows.h"
#include "engine/exec/row_operators.h"
#include "engine/exec/sub_execution.h"

namespace eventd::engine {

/// What the runs of one kApply share. Immutable; `node` outlives it.
struct ApplyPlan {
  const PlanNode* node = nullptr;
  std::vector<ExpressionPtr> arguments;  ///< over the left side
  ExpressionPtr condition;               ///< may be null
  std::vector<Oid> right_types;
  bool repeatable = true;                ///< equal arguments give equal rows

  static Result<std::shared_ptr<const ApplyPlan>> compile(const PlanNode& node, const EvalContext& context);
};

/// For each row of the child those of the right side with its arguments. Results that are small are
/// remembered by arguments, up to a bound. Threads: see BatchSource.
class ApplyOperator : public BatchSource {
 public:
  ApplyOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                std::shared_ptr<const ApplyPlan> plan, InnerContext inner);

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  /// Goes on with the next row of the child; false at its end.
  Result<bool> next_row();
  Status open_right();
  /// The next batch of the right side for the row; false at its end.
  Result<bool> next_right(Batch& right);
  void remember();
  Status add_pairs(Batch right);
  Status add_unmatched();
  Batch take_pairs();

  BatchSourcePtr child_;
  const std::shared_ptr<const ApplyPlan> plan_;
  const InnerContext inner_;

  Batch left_;
  std::vector<Vector> arguments_;
  uint32_t row_ = 0;
  bool row_open_ = false, row_matched_ = false, child_ended_ = false;

  // The right side of the row: from memory, or running.
  std::shared_ptr<const KeptRows> replay_;
  size_t replay_next_ = 0;
  std::unique_ptr<SubExecution> run_;
  std::shared_ptr<KeptRows> recorded_;
  std::string key_;
  std::unordered_map<std::string, std::shared_ptr<const KeptRows>> known_;
  size_t known_bytes_ = 0;
  MemoryGrant known_grant_;

  // Pairs to be given out: rows of left_ beside rows of the builder.
  std::vector<uint32_t> pair_rows_;
  BatchBuilder pairs_;
  /// A large batch of the right side, given out as it is.
  Batch large_;
  bool has_large_ = false;
};

}  // namespace eventd::engine
