#include "engine/plan/eql_parser.h"

namespace eventd::engine {

Result<std::unique_ptr<EqlAst>> parse_eql(std::string_view) {
  return Status(Error{sqlstate::kFeatureNotSupported, "EQL is not supported yet", {}, {}, {}, 1});
}

}  // namespace eventd::engine
