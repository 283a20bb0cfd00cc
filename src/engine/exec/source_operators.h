// Operators without a child: scans, VALUES, table functions.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/compiled_expression.h"
#include "engine/plan/logical_plan.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

/// Rows of one worker of a scan. Opens its cursor at the first call. Threads: see BatchSource.
class ScanOperator : public BatchSource {
 public:
  ScanOperator(const OperatorContext& context, OperatorStats* stats, std::shared_ptr<Scan> scan)
      : BatchSource(context, stats), scan_(std::move(scan)) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  std::shared_ptr<Scan> scan_;
  std::unique_ptr<ScanCursor> cursor_;
};

/// The sorted partitions of an ordered scan, merged. Column `key_column` (int64-like) of the
/// scan's output decides; ties go by partition. With `drop_key` that column is the last one and is
/// left out of what is given above. Threads: see BatchSource.
class MergeScanOperator : public BatchSource {
 public:
  MergeScanOperator(const OperatorContext& context, OperatorStats* stats,
                    std::shared_ptr<Scan> scan, size_t key_column, bool descending, bool drop_key)
      : BatchSource(context, stats), scan_(std::move(scan)), key_column_(key_column),
        descending_(descending), drop_key_(drop_key) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  struct Partition {
    std::unique_ptr<ScanCursor> cursor;
    std::shared_ptr<const Batch> batch;
    std::vector<int64_t> keys;
    uint32_t row = 0;
  };
  struct Pick {
    uint32_t partition, row;
  };
  Status open();
  Result<bool> refill(Partition& partition);
  /// The batch read to its end is replaced only when more rows are asked for: LIMIT may not.
  Status refill_due();
  bool comes_after(uint32_t a, uint32_t b) const;
  void gather(Batch& out) const;

  std::shared_ptr<Scan> scan_;
  const size_t key_column_;
  const bool descending_, drop_key_;
  bool opened_ = false;
  std::vector<Partition> partitions_;
  std::vector<uint32_t> heap_;  // partitions with rows; the next row's on top
  std::optional<uint32_t> due_;  // whose batch is read, not in heap_
  std::vector<Pick> picks_;
};

/// The rows of a VALUES list. Threads: see BatchSource.
class ValuesOperator : public BatchSource {
 public:
  /// `node` must outlive the operator. Errors: those of compiling.
  static Result<BatchSourcePtr> create(const OperatorContext& context, OperatorStats* stats, const PlanNode& node);

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  ValuesOperator(const OperatorContext& context, OperatorStats* stats, const PlanNode& node)
      : BatchSource(context, stats), node_(node) {}

  const PlanNode& node_;
  /// Of the cells that aren't constants, in their order.
  std::vector<std::shared_ptr<const CompiledExpression>> computed_;
  size_t next_row_ = 0, next_computed_ = 0;
};

/// A function in FROM. Threads: see BatchSource.
class TableFunctionOperator : public BatchSource {
 public:
  /// `node` must outlive the operator. Errors: those of compiling.
  static Result<BatchSourcePtr> create(const OperatorContext& context, OperatorStats* stats, const PlanNode& node);

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  TableFunctionOperator(const OperatorContext& context, OperatorStats* stats, const PlanNode& node)
      : BatchSource(context, stats), node_(node) {}

  const PlanNode& node_;
  std::vector<std::shared_ptr<const CompiledExpression>> arguments_;
  std::unique_ptr<TableFunctionCursor> cursor_;
  int64_t ordinal_ = 0;
};

}  // namespace eventd::engine
