// Keeps recursion over what a user wrote within the thread's stack.
#pragma once

#include "result.h"

namespace eventd::engine {

/// OK, or 54001 when less than a safe reserve of the calling thread's stack is left. Costs a few
/// instructions after a thread's first call. Any thread.
Status check_stack_depth();

}  // namespace eventd::engine
