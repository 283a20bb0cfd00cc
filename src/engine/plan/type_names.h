// Type names as written → types.
#pragma once

#include "engine/plan/ast.h"
#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// Resolves a type name with its modifiers. Errors: 42704 `type "x" does not exist`, 22023 for bad
/// modifiers, 0A000 for ones we have not; with position.
Result<Type> resolve_type_name(const AstTypeName& name);

}  // namespace eventd::engine
