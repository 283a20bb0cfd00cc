// Operators that look at one batch at a time: filter, project, limit, append.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/exec/batch_source.h"
#include "engine/exec/sort_order.h"

namespace eventd::engine {

using ExpressionPtr = std::shared_ptr<const CompiledExpression>;

/// Rows for which the condition is true. Threads: see BatchSource.
class FilterOperator : public BatchSource {
 public:
  FilterOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                 ExpressionPtr condition)
      : BatchSource(context, stats), child_(std::move(child)), condition_(std::move(condition)) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  BatchSourcePtr child_;
  ExpressionPtr condition_;
  // On the heap: plans may nest deeply.
  std::unique_ptr<uint32_t[]> rows_ = std::make_unique_for_overwrite<uint32_t[]>(kBatchRows);
};

/// One column for each expression. Threads: see BatchSource.
class ProjectOperator : public BatchSource {
 public:
  ProjectOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                  std::vector<ExpressionPtr> expressions)
      : BatchSource(context, stats), child_(std::move(child)), expressions_(std::move(expressions)),
        grant_(context.memory) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  Status project(const Batch& input, Batch& batch);
  /// Accounts for a batch of large values until the next one.
  Status grant(size_t bytes);

  BatchSourcePtr child_;
  std::vector<ExpressionPtr> expressions_;
  std::vector<Batch> parts_;  ///< input still to be projected, the next rows last
  MemoryGrant grant_;
};

/// Skips `offset` rows, then passes `limit`; with `ties` (the order of the input) also those equal
/// to the last one. Threads: see BatchSource.
class LimitOperator : public BatchSource {
 public:
  LimitOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                std::optional<uint64_t> limit, uint64_t offset,
                std::shared_ptr<const SortOrder> ties)
      : BatchSource(context, stats), child_(std::move(child)), limit_(limit), offset_(offset),
        ties_(std::move(ties)) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  /// How many of the rows of `batch` from `first` on tie with the last row passed.
  Result<uint32_t> count_ties(const Batch& batch, uint32_t first);

  BatchSourcePtr child_;
  const std::optional<uint64_t> limit_;
  uint64_t offset_;
  uint64_t passed_ = 0;
  std::shared_ptr<const SortOrder> ties_;
  std::vector<Vector> last_keys_;
  bool done_ = false;
};

/// The rows of one child after the other. Threads: see BatchSource.
class AppendOperator : public BatchSource {
 public:
  AppendOperator(const OperatorContext& context, OperatorStats* stats,
                 std::vector<BatchSourcePtr> children)
      : BatchSource(context, stats), children_(std::move(children)) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  std::vector<BatchSourcePtr> children_;
  size_t current_ = 0;
};

}  // namespace eventd::engine
