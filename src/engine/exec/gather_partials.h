// Workers that each make a part of one result.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "engine/exec/fragment.h"
#include "engine/exec/gather_operators.h"
#include "engine/exec/worker_group.h"

namespace eventd::engine {

/// What is done with parts of type Part. All but `combine` are called by workers.
template <class Part>
struct PartialWork {
  std::function<std::unique_ptr<Part>()> make;
  std::function<Status(Part&, Batch)> add;
  std::function<Status(Part&)> seal = {};  ///< after the last batch; may be empty
  std::function<Status(Part& total, Part& part)> combine;
};

/// Each worker reads its copy of the fragment into a part of its own; the consumer puts the parts
/// together. Returns when no worker is left.
template <class Part>
Result<std::unique_ptr<Part>> gather_partials(const Fragment& fragment, const OperatorContext& context,
                                              const GatherOptions& options,
                                              const PartialWork<Part>& work) {
  std::vector<std::unique_ptr<Part>> parts(options.helpers + 1);
  const auto read = [&](size_t worker, const std::atomic<bool>& stop) -> Status {
    std::unique_ptr<Part> part = work.make();
    const BatchSourcePtr source = fragment.open(context);
    while (!stop.load(std::memory_order_relaxed)) {
      Batch batch;
      ASSIGN_OR_RETURN(const bool more, source->next(batch));
      if (!more) break;
      RETURN_IF_ERROR(work.add(*part, std::move(batch)));
    }
    if (work.seal) RETURN_IF_ERROR(work.seal(*part));
    parts[worker] = std::move(part);
    return {};
  };
  RETURN_IF_ERROR(run_workers(*options.pool, options.helpers, read));
  // Worker 0 is the consumer: its part is always there.
  std::unique_ptr<Part> total = std::move(parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == nullptr) continue;
    RETURN_IF_ERROR(work.combine(*total, *parts[i]));
    parts[i].reset();
  }
  return total;
}

}  // namespace eventd::engine
