// The engine as the front end's Backend: settings, roles, slots.
#pragma once

#include <memory>

#include "pgwire/backend.h"
#include "pgwire/server.h"
#include "result.h"

namespace eventd::pgwire {

/// `engine` must outlive the result. F0000 for bad hba rules, 58030 when the secret can't be kept.
Result<std::unique_ptr<Backend>> make_engine_backend(engine::Engine& engine);
/// Where to listen, from the settings. Warns when data may leave the machine unencrypted.
Result<ServerOptions> server_options(const engine::Engine& engine);
/// Rules in `hba` that can't be understood are then refused where they are set. Call it before the
/// settings are read.
void register_setting_checks();

}  // namespace eventd::pgwire
