// Runs an optimized logical plan. The front door of engine/exec.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/exec/scan_pool.h"
#include "engine/exec/temp_space.h"
#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "engine/scan/relation.h"
#include "result.h"

namespace eventd::engine {

/// What one execution works with. All pointees outlive the Execution.
struct ExecutionContext {
  EvalContext eval;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const AccessScope> access;
  MemoryAccount* memory = nullptr;
  /// Where to spill what `memory` refuses. Null = 53200 instead.
  TempSpace* temp = nullptr;
  CancelToken* cancel = nullptr;
  /// Null = everything on the calling thread.
  ScanPool* pool = nullptr;
  /// EXPLAIN ANALYZE: measure every operator.
  bool instrument = false;
  /// EXPLAIN: subqueries are described too.
  bool describe = false;
  /// Set by the executor: damaged tails that scans of inner plans went around.
  std::atomic<uint64_t>* inner_damaged_tails = nullptr;
};

/// A running query: a pull pipeline. Owned by one thread at a time, may move between calls; holds
/// no SQLite transaction between calls. Destroying it stops its workers.
class Execution {
 public:
  virtual ~Execution() = default;
  /// The next batch (at least one row), or false at the end. May block while pool workers finish
  /// a step; never waits for a client.
  virtual Result<bool> next(Batch& batch) = 0;
  /// True while planned work is short (< ~1 ms): run it on the I/O thread.
  virtual bool is_short() const = 0;
  /// Damage that its scans went around so far: rows may be missing from the result.
  virtual uint64_t damaged_tails() const = 0;
};

Result<std::unique_ptr<Execution>> start_execution(PlanPtr plan, ExecutionContext context);

/// EXPLAIN: the plan as lines of text (or one JSON document). With `analyze` the plan is run to its
/// end first.
struct ExplainOptions {
  bool analyze = false, verbose = false, costs = true, json = false;
};
Result<std::vector<std::string>> explain(PlanPtr plan, ExecutionContext context,
                                         const ExplainOptions& options);

}  // namespace eventd::engine
