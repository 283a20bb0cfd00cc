#include "engine/plan/eql_binder.h"

namespace eventd::engine {

Result<BoundQuery> bind_eql(const EqlAst&, const RelationResolver&, std::span<const Oid>) {
  return Status(sqlstate::kFeatureNotSupported, "EQL is not supported yet");
}

}  // namespace eventd::engine
