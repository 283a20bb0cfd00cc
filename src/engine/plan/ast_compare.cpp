// Questions about syntax trees: where they begin, whether two are the same.
#include <algorithm>

#include "engine/plan/ast.h"

namespace eventd::engine {
namespace {

bool same_optional(const AstExprPtr& a, const AstExprPtr& b) {
  return a == nullptr || b == nullptr ? a == b : same_expression(*a, *b);
}

bool same_all(const std::vector<AstExprPtr>& a, const std::vector<AstExprPtr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_optional);
}

bool same_order(const std::vector<AstSortItem>& a, const std::vector<AstSortItem>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const AstSortItem& x, const AstSortItem& y) {
                      return x.descending == y.descending && x.nulls == y.nulls &&
                             same_optional(x.expression, y.expression);
                    });
}

bool same_type(const std::unique_ptr<AstTypeName>& a, const std::unique_ptr<AstTypeName>& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->names == b->names && same_all(a->modifiers, b->modifiers) &&
         a->array_dimensions == b->array_dimensions && a->interval_fields == b->interval_fields &&
         a->setof == b->setof;
}

bool same_frame(const AstWindowFrame& a, const AstWindowFrame& b) {
  return a.given == b.given && a.mode == b.mode && a.start == b.start && a.end == b.end &&
         a.exclusion == b.exclusion && same_optional(a.start_offset, b.start_offset) &&
         same_optional(a.end_offset, b.end_offset);
}

bool same_options(const std::unique_ptr<AstCallOptions>& a,
                  const std::unique_ptr<AstCallOptions>& b) {
  if (a == nullptr || b == nullptr) return a == b;
  const bool same_window = a->over == nullptr || b->over == nullptr
                               ? a->over == b->over
                               : a->over->name == b->over->name &&
                                     same_definition(*a->over, *b->over);
  return same_window && same_order(a->order, b->order) && same_optional(a->filter, b->filter) &&
         a->within_group == b->within_group && a->star == b->star && a->distinct == b->distinct &&
         a->variadic == b->variadic;
}

}  // namespace

int leftmost_position(const AstExpr& ast) {
  int position = ast.position;
  for (const AstExprPtr& child : ast.children) {
    const int below = leftmost_position(*child);
    if (below > 0 && (position == 0 || below < position)) position = below;
  }
  return position;
}

bool same_expression(const AstExpr& a, const AstExpr& b) {
  return a.kind == b.kind && a.star == b.star && a.has_argument == b.has_argument &&
         a.has_else == b.has_else && a.number == b.number && a.text == b.text &&
         a.names == b.names && a.subquery == nullptr && b.subquery == nullptr &&
         same_type(a.type, b.type) && same_options(a.call, b.call) &&
         same_all(a.children, b.children);
}

bool same_definition(const AstWindow& a, const AstWindow& b) {
  return a.reference == b.reference && same_all(a.partition_by, b.partition_by) &&
         same_order(a.order_by, b.order_by) && same_frame(a.frame, b.frame);
}

}  // namespace eventd::engine
