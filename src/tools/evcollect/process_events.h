// Processes as events: type and msgpack payload.
#pragma once

#include <string>
#include <string_view>

#include "tools/evcollect/process_table.h"

namespace eventd::tools {

struct Event {
  std::string_view type;  ///< of static life
  std::string payload;    ///< one msgpack map
};

inline constexpr std::string_view kProcessSeen = "host.process.seen";
inline constexpr std::string_view kProcessStart = "host.process.start";
inline constexpr std::string_view kProcessExit = "host.process.exit";

/// `type`: kProcessSeen or kProcessStart.
Event make_process_event(std::string_view type, const Process& process);
Event make_exit_event(const Process& process);

}  // namespace eventd::tools
