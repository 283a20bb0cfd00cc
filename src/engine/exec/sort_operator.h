// ORDER BY, with or without a bound on the rows.
#pragma once

#include <memory>
#include <optional>

#include "engine/exec/batch_source.h"
#include "engine/exec/row_sorter.h"

namespace eventd::engine {

/// All rows of the child in order, or the first `keep` of them. Threads: see BatchSource.
class SortOperator : public BatchSource {
 public:
  SortOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
               std::shared_ptr<const SortOrder> order, std::optional<uint64_t> keep)
      : BatchSource(context, stats), child_(std::move(child)),
        sorter_(context, std::move(order), keep) {}

 protected:
  Result<bool> produce(Batch& batch) override;

 private:
  BatchSourcePtr child_;
  RowSorter sorter_;
};

}  // namespace eventd::engine
