#pragma once

#include "engine/functions/function_registry.h"

namespace eventd::engine {

/// format_type, pg_size_pretty …: what clients ask about sizes, types and encodings.
void register_server_values(FunctionCatalog::Builder& builder);
/// histogram_quantile, origin_class_name, principal_name.
void register_event_values(FunctionCatalog::Builder& builder);

}  // namespace eventd::engine
