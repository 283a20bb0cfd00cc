// normalize() and IS NORMALIZED.
#pragma once

#include "engine/functions/function_registry.h"

namespace eventd::engine {

void register_normalization(FunctionCatalog::Builder& builder);

}  // namespace eventd::engine
