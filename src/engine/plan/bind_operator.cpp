#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {
namespace {

std::string type_name(Oid type) { return format_type({type, -1}); }

std::string signature(std::string_view name, Oid left, Oid right) {
  std::string text;
  if (left != 0) text += type_name(left) + " ";
  text += name;
  return text + " " + type_name(right);
}

}  // namespace

Result<const Operator*> ExpressionBinder::choose_operator(std::string_view name, Oid left,
                                                          Oid right, int position) {
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  const bool binary = left != 0;
  // An unknown operand is first taken for the other one's type.
  const Oid exact_left = binary && left == oid::kUnknown ? right : left;
  const Oid exact_right = binary && right == oid::kUnknown ? left : right;
  if (exact_right != oid::kUnknown) {
    if (const Operator* exact = catalog.find_operator(name, exact_left, exact_right)) return exact;
  }
  std::vector<Candidate> candidates;
  for (const Operator* op : catalog.operators(name)) {
    if ((op->left != 0) != binary) continue;
    Candidate candidate;
    if (binary) candidate.arguments.push_back(op->left);
    candidate.arguments.push_back(op->right);
    candidate.entry = op;
    candidates.push_back(std::move(candidate));
  }
  std::vector<Oid> types;
  if (binary) types.push_back(left);
  types.push_back(right);
  const OverloadChoice choice = choose_overload(candidates, types);
  if (choice.outcome == OverloadChoice::Outcome::kFound) {
    return static_cast<const Operator*>(candidates[choice.index].entry);
  }
  Error error;
  error.position = position;
  if (choice.outcome == OverloadChoice::Outcome::kNone) {
    error.code = sqlstate::kUndefinedFunction;
    error.message = "operator does not exist: " + signature(name, left, right);
    error.hint = binary ? "No operator matches the given name and argument types. You might need "
                          "to add explicit type casts."
                        : "No operator matches the given name and argument type. You might need "
                          "to add an explicit type cast.";
  } else {
    error.code = sqlstate::kAmbiguousFunction;
    error.message = "operator is not unique: " + signature(name, left, right);
    error.hint =
        "Could not choose a best candidate operator. You might need to add explicit type casts.";
  }
  return error;
}

Result<ExprPtr> ExpressionBinder::apply_operator(const Operator& op, ExprPtr left, ExprPtr right,
                                                 int position) {
  Candidate candidate;
  std::vector<ExprPtr> arguments;
  if (left != nullptr) {
    candidate.arguments.push_back(op.left);
    arguments.push_back(std::move(left));
  }
  candidate.arguments.push_back(op.right);
  arguments.push_back(std::move(right));
  return bind_scalar_call(*op.function, candidate, std::move(arguments), position);
}

Result<ExprPtr> ExpressionBinder::bind_operator(std::string_view name, ExprPtr left, ExprPtr right,
                                                int position) {
  ASSIGN_OR_RETURN(const Operator* op,
                   choose_operator(name, left == nullptr ? 0 : left->type.id, right->type.id,
                                   position));
  return apply_operator(*op, std::move(left), std::move(right), position);
}

// a + b + c … is left-deep: bound from the innermost outwards, without recursion.
Result<ExprPtr> ExpressionBinder::bind_operator_chain(const AstExpr& ast) {
  std::vector<const AstExpr*> spine;
  const AstExpr* left = &ast;
  while (left->kind == AstExpr::Kind::kOperator && left->children.size() == 2) {
    spine.push_back(left);
    left = left->children[0].get();
  }
  ExprPtr result;
  if (spine.empty()) {  // a prefix operator
    ASSIGN_OR_RETURN(result, bind(*ast.children[0]));
    // The grammar folds the minus of literals except before a cast; see doNegate().
    return bind_operator(ast.names.back(), nullptr, std::move(result), ast.position);
  }
  size_t next = spine.size();
  if (left->kind == AstExpr::Kind::kRow) {  // a row on the left may be compared field by field
    const AstExpr& first = *spine[--next];
    ASSIGN_OR_RETURN(result, bind_comparison(first.names.back(), *left, *first.children[1],
                                             first.position));
  } else {
    ASSIGN_OR_RETURN(result, bind(*left));
  }
  for (size_t i = next; i-- > 0;) {
    RETURN_IF_ERROR(state_.spend(1));
    ASSIGN_OR_RETURN(ExprPtr right, bind(*spine[i]->children[1]));
    ASSIGN_OR_RETURN(result, bind_operator(spine[i]->names.back(), std::move(result),
                                           std::move(right), spine[i]->position));
  }
  return result;
}

// left op ANY/ALL (array), as make_scalar_array_op().
Result<ExprPtr> ExpressionBinder::bind_quantified(const AstExpr& ast) {
  ASSIGN_OR_RETURN(ExprPtr left, bind(*ast.children[0]));
  ASSIGN_OR_RETURN(ExprPtr array, bind(*ast.children[1]));
  Oid element = oid::kUnknown;
  if (array->type.id != oid::kUnknown) {
    const TypeInfo* info = find_type(array->type.id);
    if (info == nullptr || info->element == 0 || info->category != 'A') {
      return bind_error(sqlstate::kWrongObjectType,
                        "op ANY/ALL (array) requires array on right side", ast.position);
    }
    element = info->element;
  }
  ASSIGN_OR_RETURN(const Operator* op,
                   choose_operator(ast.names.back(), left->type.id, element, ast.position));
  const Oid declared[] = {op->left, op->right};
  const Oid actual[] = {left->type.id, element};
  const PolymorphicTypes types = resolve_polymorphic(declared, actual);
  if (op->function->result != oid::kBool) {
    return bind_error(sqlstate::kWrongObjectType,
                      "op ANY/ALL (array) requires operator to yield boolean", ast.position);
  }
  const TypeInfo* right = types.consistent ? find_type(types.arguments[1]) : nullptr;
  if (right == nullptr || right->array == 0) {
    return bind_error(sqlstate::kUndefinedObject, "could not find array type for data type " +
                      type_name(element), ast.position);
  }
  auto result = std::make_unique<Expr>();
  result->kind = ast.kind == AstExpr::Kind::kOperatorAny ? Expr::Kind::kAnyArray
                                                         : Expr::Kind::kAllArray;
  result->type = {oid::kBool, -1};
  result->position = ast.position;
  result->function = op->function;
  ASSIGN_OR_RETURN(left, coerce(std::move(left), {types.arguments[0], -1}, CastContext::kImplicit,
                                state_.parameters));
  ASSIGN_OR_RETURN(array, coerce(std::move(array), {right->array, -1}, CastContext::kImplicit,
                                 state_.parameters));
  result->children.push_back(std::move(left));
  result->children.push_back(std::move(array));
  return result;
}

}  // namespace eventd::engine
