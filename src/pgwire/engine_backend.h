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

}  // namespace eventd::pgwire
