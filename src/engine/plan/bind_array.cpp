// ARRAY[…], subscripts and slices.
#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {
namespace {

using AstKind = AstExpr::Kind;

bool is_array_type(Oid type) {
  const TypeInfo* info = find_type(type);
  return info != nullptr && info->element != 0 && info->category == 'A';
}

Error no_array_type(Oid element, int position) {
  return bind_error(sqlstate::kUndefinedObject,
                    "could not find array type for data type " + format_type({element, -1}),
                    position);
}

}  // namespace

// As transformArrayExpr(). `element`: what a cast around wants, 0 = the elements decide. Nested
// constructors and elements that are arrays make one dimension more.
Result<ExprPtr> ExpressionBinder::bind_array(const AstExpr& ast, Oid element) {
  auto result = std::make_unique<Expr>();
  result->kind = Expr::Kind::kArray;
  result->position = ast.position;
  bool of_arrays = false;
  for (const AstExprPtr& child : ast.children) {
    ASSIGN_OR_RETURN(ExprPtr bound, child->kind == AstKind::kArray ? bind_array(*child, element)
                                                                : bind(*child));
    of_arrays = of_arrays || child->kind == AstKind::kArray || is_array_type(bound->type.id);
    result->children.push_back(std::move(bound));
  }
  if (element != oid::kInvalid) {
    const Oid array = type_info(element).array;
    if (array == 0) return no_array_type(element, ast.position);
    for (ExprPtr& child : result->children) {
      const Oid wanted = of_arrays ? array : element;
      ASSIGN_OR_RETURN(child, coerce(std::move(child), {wanted, -1}, CastContext::kExplicit,
                                     state_.parameters));
    }
    result->type = {array, -1};
    return result;
  }
  if (result->children.empty()) {
    Error error = bind_error(sqlstate::kIndeterminateDatatype,
                             "cannot determine type of empty array", ast.position);
    error.hint = "Explicitly cast to the desired type, for example ARRAY[]::integer[].";
    return error;
  }
  ASSIGN_OR_RETURN(const Oid common, common_type(result->children, "ARRAY"));
  const Oid array = is_array_type(common) ? common : type_info(common).array;
  if (array == 0) return no_array_type(common, ast.position);
  RETURN_IF_ERROR(coerce_all(result->children, common, "ARRAY", state_.parameters));
  result->type = {array, -1};
  return result;
}

Result<ExprPtr> ExpressionBinder::bind_subscript_bound(const AstExpr& ast, int32_t when_missing) {
  if (ast.kind == AstKind::kDefault) {
    return Expr::constant_of(Datum::int4(when_missing), {oid::kInt4, -1});
  }
  ASSIGN_OR_RETURN(ExprPtr bound, bind(ast));
  if (!can_coerce(bound->type.id, oid::kInt4, CastContext::kAssignment)) {
    return bind_error(sqlstate::kDatatypeMismatch, "array subscript must have type integer",
                      bound->position);
  }
  return coerce(std::move(bound), {oid::kInt4, -1}, CastContext::kAssignment, state_.parameters);
}

// x[i][j:k]…: one call for the whole chain. With one slice among them all are slices, i is 1:i.
// A chain begins where AstExpr::number is 0.
Result<ExprPtr> ExpressionBinder::bind_subscript(const AstExpr& ast) {
  std::vector<const AstExpr*> chain;
  const AstExpr* base = &ast;
  bool sliced = false;
  do {
    chain.insert(chain.begin(), base);
    sliced = sliced || base->kind == AstKind::kSlice;
    base = base->children[0].get();
  } while (chain.front()->number != 0);
  ASSIGN_OR_RETURN(ExprPtr container, bind(*base));
  if (container->type.id == oid::kJsonb) {
    for (const AstExpr* step : chain) {
      if (step->kind == AstKind::kSlice) {
        return bind_error(sqlstate::kDatatypeMismatch, "jsonb subscript does not support slices",
                          step->children[2]->position != 0 ? step->children[2]->position
                                                           : step->children[1]->position);
      }
      ASSIGN_OR_RETURN(ExprPtr key, bind(*step->children[1]));
      const bool number = key->type.id != oid::kUnknown &&
                          can_coerce(key->type.id, oid::kInt4, CastContext::kImplicit);
      ASSIGN_OR_RETURN(key, coerce(std::move(key), {number ? oid::kInt4 : oid::kText, -1},
                                   CastContext::kImplicit, state_.parameters));
      ASSIGN_OR_RETURN(container,
                       bind_operator("->", std::move(container), std::move(key), ast.position));
    }
    return container;
  }
  if (!is_array_type(container->type.id)) {
    return bind_error(sqlstate::kDatatypeMismatch,
                      "cannot subscript type " + format_type({container->type.id, -1}) +
                          " because it does not support subscripting",
                      container->position);
  }
  if (chain.size() > 6) {
    return bind_error(sqlstate::kProgramLimitExceeded,
                      "number of array dimensions (" + std::to_string(chain.size()) +
                          ") exceeds the maximum allowed (6)",
                      0);
  }
  std::vector<ExprPtr> arguments;
  arguments.push_back(std::move(container));
  for (const AstExpr* step : chain) {
    const bool slice = step->kind == AstKind::kSlice;
    if (slice) {
      ASSIGN_OR_RETURN(ExprPtr low, bind_subscript_bound(*step->children[1], INT32_MIN));
      arguments.push_back(std::move(low));
    } else if (sliced) {
      arguments.push_back(Expr::constant_of(Datum::int4(1), {oid::kInt4, -1}));
    }
    ASSIGN_OR_RETURN(ExprPtr high, bind_subscript_bound(*step->children[slice ? 2 : 1], INT32_MAX));
    arguments.push_back(std::move(high));
  }
  return bind_function(sliced ? "eventd_array_slice" : "eventd_array_element", std::move(arguments),
                       ast.position);
}

}  // namespace eventd::engine
