// scan → filter → project → join: what every worker runs its own copy of.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/compiled_expression.h"
#include "engine/exec/row_operators.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

class JoinBuild;

/// A chain over one unordered scan. Immutable once built; open() may be called by any thread.
struct Fragment {
  struct Step {
    OperatorStats* stats = nullptr;
    ExpressionPtr condition;                 ///< a filter, or
    std::vector<ExpressionPtr> expressions;  ///< a projection, or
    std::shared_ptr<JoinBuild> join;         ///< a join, whose other side all workers share
  };
  std::shared_ptr<Scan> scan;
  OperatorStats* scan_stats = nullptr;
  std::vector<Step> steps;  ///< from the scan upwards

  /// One worker's copy.
  BatchSourcePtr open(const OperatorContext& context) const;
};

}  // namespace eventd::engine
