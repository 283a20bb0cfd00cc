#include "engine/exec/gather_operators.h"

#include "engine/exec/gather_partials.h"
#include "engine/exec/join_operator.h"
#include "engine/exec/source_operators.h"

namespace eventd::engine {

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
  const PartialWork<Aggregation> work{
      .make = [&] { return std::make_unique<Aggregation>(context(), plan_, options_.helpers + 1); },
      .add = [](Aggregation& part, Batch batch) { return part.add(batch); },
      .combine = [](Aggregation& total, Aggregation& part) { return total.combine(part); }};
  ASSIGN_OR_RETURN(total_, gather_partials(fragment_, context(), options_, work));
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
  const PartialWork<RowSorter> work{
      .make = [&] { return std::make_unique<RowSorter>(context(), order_, keep_); },
      .add = [](RowSorter& part, Batch batch) { return part.add(std::move(batch)); },
      // Side by side: the consumer only merges.
      .seal = [](RowSorter& part) { return part.seal(); },
      .combine = [](RowSorter& total, RowSorter& part) { return total.absorb(part); }};
  ASSIGN_OR_RETURN(total_, gather_partials(fragment_, context(), options_, work));
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
