// Rows for the times that have none: time_bucket_gapfill(), locf(), interpolate().
// Source of what they do: TimescaleDB's documentation of its gapfilling functions.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/gap_buckets.h"
#include "engine/exec/gap_fill_plan.h"
#include "engine/exec/row_store.h"

namespace eventd::engine {

/// The child's rows with what is missing between them, and a column for each call. Holds the rows of
/// one series at a time (of some, when they are short); 53200 when they don't fit. Without keys there
/// is one series, be the child empty or not. Threads: see BatchSource.
class GapFillOperator : public BatchSource {
 public:
  /// `child` gives rows sorted by the plan's keys, then the bucket.
  GapFillOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                  std::shared_ptr<const GapFillPlan> plan)
      : BatchSource(context, stats), child_(std::move(child)), plan_(std::move(plan)),
        grant_(context.memory) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  /// A value interpolate() calculates with.
  struct Number {
    int64_t whole = 0;
    double real = 0;
    bool null = true;
  };
  struct Point {
    int64_t time = 0;
    Number value;
  };
  /// What one series has of a call, by row of the series.
  struct CallRows {
    std::vector<uint8_t> null;
    std::vector<Number> numbers;  // interpolate only
  };
  /// What a block has of a call, by output row.
  struct CallOutput {
    std::vector<uint32_t> ids;    // locf: rows of the store
    std::vector<Number> numbers;  // interpolate
  };

  Status fill();
  Result<bool> next_input();
  bool starts_series(uint32_t row) const;
  /// Adds rows [row_, end) of the input to the series.
  Status add_rows(uint32_t end);
  Status finish_series();
  void merge_times();
  Status carry(size_t call, size_t first_output);
  Status interpolate(size_t call, size_t first_output);
  Result<Vector> evaluate_outside(const CompiledExpression& expression);
  Result<Point> point_outside(const CompiledExpression& expression, Oid type);
  Number number_at(const Vector& values, uint32_t row) const;
  Status account();
  void give(Batch& batch);
  Vector number_column(const CallOutput& output, Oid type, uint32_t first, uint32_t count) const;

  BatchSourcePtr child_;
  std::shared_ptr<const GapFillPlan> plan_;
  MemoryGrant grant_;
  bool started_ = false;
  GapBuckets buckets_;
  Batch input_, previous_;  // previous_: the batch that the series' last row was in
  uint32_t row_ = 0;
  bool series_open_ = false, any_series_ = false;
  // The series being collected: its rows lie side by side in the store.
  uint32_t first_id_ = 0;
  std::vector<int64_t> series_times_;
  std::vector<CallRows> series_calls_;
  // The block: rows of the store and output rows; row 0 of the store is all NULL.
  std::unique_ptr<RowStore> store_;
  std::vector<uint32_t> ids_, key_ids_;
  std::vector<int64_t> times_;
  std::vector<CallOutput> outputs_;
  std::vector<Vector> columns_;
  size_t next_row_ = 0;
};

}  // namespace eventd::engine
