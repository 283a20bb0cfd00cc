// The syntax tree of an EQL query.
#pragma once

namespace eventd::engine {

struct EqlAst {};

}  // namespace eventd::engine
