// The server's state in words, for whoever has to find out why it hangs (QUIT).
#pragma once

#include <string>

#include "engine/session/engine_impl.h"

namespace eventd::engine {

/// One fact a line, in sections. Any thread; takes short locks only, but reads the shards' receipts
/// through connections of its own.
std::string describe_state(const Engine::Impl& engine);

}  // namespace eventd::engine
