// The same error for everybody who waited. Private to engine/exec.
#pragma once

#include "result.h"

namespace eventd::engine {

inline Status copy_of(const Status& status) { return status.ok() ? Status() : Status(Error(status.error())); }

}  // namespace eventd::engine
