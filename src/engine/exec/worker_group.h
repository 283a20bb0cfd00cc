// The same work on several threads at once, of which only the caller's is certain.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "engine/exec/scan_pool.h"
#include "result.h"

namespace eventd::engine {

/// Calls `work(worker, stop)` once on the calling thread (worker 0) and once on each of up to
/// `helpers` pool threads that get to it before the caller's call has returned; then waits for those
/// that started. Never waits for a task still in the queue. The first error is returned; it sets
/// `stop`, which workers read between batches. Any thread.
Status run_workers(ScanPool& pool, size_t helpers,
                   const std::function<Status(size_t worker, const std::atomic<bool>& stop)>& work);

}  // namespace eventd::engine
