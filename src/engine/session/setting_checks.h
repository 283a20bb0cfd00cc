// Checks of settings whose values only the engine understands.
#pragma once

#include "engine/types/format_options.h"

namespace eventd::engine {

class SessionSettings;

/// Registers the checks of TimeZone, DateStyle, client_encoding. Call once, before settings are read.
void register_setting_checks();

/// The formats a session's settings ask for.
FormatOptions format_options_of(const SessionSettings& settings);

}  // namespace eventd::engine
