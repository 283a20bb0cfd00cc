// The arguments of eventd.
#pragma once

#include <optional>

#include "engine/settings/settings.h"

namespace eventd {

/// What to exit with; 3 = data may have been left behind in the rings.
enum class ExitStatus : int { kStopped = 0, kFailed = 1, kUsage = 2, kUnfinished = 3 };

/// Fills `sources`. An exit status when the process ends here (--help, --version, a mistake: said on
/// standard error).
std::optional<ExitStatus> parse_command_line(int argc, char** argv,
                                             engine::Settings::Sources& sources);

}  // namespace eventd
