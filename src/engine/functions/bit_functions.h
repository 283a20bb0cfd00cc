// Functions and aggregates of bit strings.
#pragma once

#include "engine/functions/function_registry.h"

namespace eventd::engine {

void register_bit_strings(FunctionCatalog::Builder& builder);

}  // namespace eventd::engine
