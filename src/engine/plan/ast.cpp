#include "engine/plan/ast.h"

namespace eventd::engine {

AstExpr::AstExpr() = default;
AstExpr::~AstExpr() = default;
AstFromItem::AstFromItem() = default;
AstFromItem::~AstFromItem() = default;
AstFromItem::AstFromItem(AstFromItem&&) noexcept = default;
AstFromItem& AstFromItem::operator=(AstFromItem&&) noexcept = default;

}  // namespace eventd::engine
