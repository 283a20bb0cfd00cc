#include "engine/exec/gather_operators.h"

#include <vector>

#include "engine/exec/join_operator.h"
#include "engine/exec/source_operators.h"
#include "engine/exec/worker_group.h"

namespace eventd::engine {

namespace {

/// Reads a worker's copy of the fragment to its end, or until another worker failed.
template <class Take>
Status drain(const Fragment& fragment, const OperatorContext& context,
             const std::atomic<bool>& stop, const Take& take) {
  const BatchSourcePtr source = fragment.open(context);
  while (!stop.load(std::memory_order_relaxed)) {
    Batch batch;
    ASSIGN_OR_RETURN(const bool more, source->next(batch));
    if (!more) break;
    RETURN_IF_ERROR(take(std::move(batch)));
  }
  return {};
}

}  // namespace

BatchSourcePtr Fragment::open(const OperatorContext& context) const {
  BatchSourcePtr source = std::make_unique<ScanOperator>(context, scan_stats, scan);
  for (const Step& step : steps) {
    if (step.join != nullptr) {
      source = std::make_unique<JoinOperator>(context, step.stats, std::move(source), step.join);
    } else if (step.condition != nullptr) {
      source = std::make_unique<FilterOperator>(context, step.stats, std::move(source), step.condition);
    } else {
      source = std::make_unique<ProjectOperator>(context, step.stats, std::move(source), step.expressions);
    }
  }
  return source;
}

Status GatherAggregateOperator::run() {
  std::vector<std::unique_ptr<Aggregation>> partials(options_.helpers + 1);
  const auto work = [&](size_t worker, const std::atomic<bool>& stop) -> Status {
    auto partial = std::make_unique<Aggregation>(context(), plan_, options_.helpers + 1);
    RETURN_IF_ERROR(drain(fragment_, context(), stop,
                          [&](Batch batch) { return partial->add(batch); }));
    partials[worker] = std::move(partial);
    return {};
  };
  RETURN_IF_ERROR(run_workers(*options_.pool, options_.helpers, work));
  for (std::unique_ptr<Aggregation>& partial : partials) {
    if (partial == nullptr) continue;
    if (total_ == nullptr) {
      total_ = std::move(partial);
    } else {
      RETURN_IF_ERROR(total_->combine(*partial));
      partial.reset();
    }
  }
  return total_->finish();
}

Result<bool> GatherAggregateOperator::produce(Batch& batch) {
  if (total_ == nullptr) {
    RETURN_IF_ERROR(run());
    if (stats() != nullptr) stats()->memory_bytes.store(total_->peak_memory_bytes());
  }
  return total_->next(batch);
}

Status GatherSortOperator::run() {
  std::vector<std::unique_ptr<RowSorter>> partials(options_.helpers + 1);
  const auto work = [&](size_t worker, const std::atomic<bool>& stop) -> Status {
    auto partial = std::make_unique<RowSorter>(context(), order_, keep_);
    RETURN_IF_ERROR(drain(fragment_, context(), stop,
                          [&](Batch batch) { return partial->add(std::move(batch)); }));
    // Side by side: the consumer only merges.
    RETURN_IF_ERROR(partial->seal());
    partials[worker] = std::move(partial);
    return {};
  };
  RETURN_IF_ERROR(run_workers(*options_.pool, options_.helpers, work));
  for (std::unique_ptr<RowSorter>& partial : partials) {
    if (partial == nullptr) continue;
    if (total_ == nullptr) {
      total_ = std::move(partial);
    } else {
      RETURN_IF_ERROR(total_->absorb(*partial));
      partial.reset();
    }
  }
  return total_->finish();
}

Result<bool> GatherSortOperator::produce(Batch& batch) {
  if (total_ == nullptr) {
    RETURN_IF_ERROR(run());
    if (stats() != nullptr) {
      stats()->memory_bytes.store(total_->peak_memory_bytes());
      stats()->disk_bytes.store(total_->spilled_bytes());
    }
  }
  return total_->next(batch);
}

}  // namespace eventd::engine
