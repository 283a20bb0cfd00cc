// One server, or one tool that changes files, a data directory.
#pragma once

#include <string>

#include "result.h"
#include "unique_fd.h"

namespace eventd::engine {

/// Locks <data_directory>/lock, made when missing, until the descriptor is closed. 55000 when
/// somebody else has it.
Result<UniqueFd> lock_data_directory(const std::string& data_directory);

}  // namespace eventd::engine
