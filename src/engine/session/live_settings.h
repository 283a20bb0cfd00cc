// From settings to those who go by them: at start, and at every live change.
#pragma once

#include <string_view>

#include "engine/maintenance/retention.h"
#include "engine/session/engine_impl.h"
#include "engine/settings/settings.h"
#include "kmes/event_socket.h"

namespace eventd::engine {

kmes::EventSocketLimits socket_limits(const Settings& settings);
RetentionOptions retention_options(const Settings& settings);
kmes::HugePages huge_pages(const Settings& settings);
/// plan_cache_entries and plan_cache_size, as they are now.
void apply_plan_cache_limits(Engine::Impl& engine);
/// 58030 when the log file can't be opened: the old one stays in use.
Status open_log(const Settings& settings);

/// The change reaches whoever uses the setting, and is recorded (synthetic.config_change). What fails
/// is logged.
void apply_change(Engine::Impl& engine, std::string_view name, const SettingValue& before,
                  const SettingValue& after);

}  // namespace eventd::engine
