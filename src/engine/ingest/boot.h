// The machine's boot id.
#pragma once

#include "guid.h"
#include "result.h"

namespace eventd::engine {

/// Reads /proc/sys/kernel/random/boot_id. 58030 when it can't be read or is no GUID.
Result<Guid> read_boot_id();

}  // namespace eventd::engine
