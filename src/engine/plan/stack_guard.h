// Keeps recursion over what a user wrote within the thread's stack, and within the time its client
// gives it.
#pragma once

#include "result.h"

namespace eventd::engine {

/// OK, or 54001 when less than a safe reserve of the calling thread's stack is left; now and then it
/// asks check_interrupt() too, whose error may be the answer. Costs a few instructions after a
/// thread's first call. Any thread.
Status check_stack_depth();

}  // namespace eventd::engine
