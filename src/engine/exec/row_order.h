// In which order the rows of a plan node come, as far as it is known.
#pragma once

#include <vector>

#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// The order of the node's rows: sort keys over its columns; empty = unknown.
std::vector<SortKey> order_of(const PlanNode& node);
/// The order a kWindow wants its child in: its partition keys, then its own.
std::vector<SortKey> order_for_window(const PlanNode& window);
/// Whether the child of a kWindow already comes partition by partition and in order within.
bool comes_in_window_order(const PlanNode& window);

}  // namespace eventd::engine
