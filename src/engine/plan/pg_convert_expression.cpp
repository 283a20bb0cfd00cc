#include "engine/limits.h"
#include "engine/plan/pg_convert.h"
#include "engine/plan/stack_guard.h"
#include "engine/plan/text_position.h"

namespace eventd::engine::pg {
namespace {

using Kind = AstExpr::Kind;

bool is_ascii(std::string_view source) {
  for (const char c : source) {
    if ((c & 0x80) != 0) return false;
  }
  return true;
}

}  // namespace

Error too_deep() {
  return {sqlstate::kStatementTooComplex, "stack depth limit exceeded", {},
          "The statement is nested too deeply.", {}, 0};
}

Converter::Converter(std::string_view source) : text_(source), ascii_(is_ascii(source)) {}

int Converter::position(int location) const {
  if (location < 0) return 0;
  return ascii_ ? location + 1 : character_position(text_, static_cast<size_t>(location));
}

Error Converter::error(SqlState code, std::string message, int location) const {
  return {code, std::move(message), {}, {}, {}, position(location)};
}

Error Converter::not_supported(std::string what, int location) const {
  return error(sqlstate::kFeatureNotSupported, std::move(what) + " is not supported yet", location);
}

AstExprPtr Converter::make(Kind kind, int location) const {
  auto result = std::make_unique<AstExpr>();
  result->kind = kind;
  result->position = position(location);
  return result;
}

AstExprPtr Converter::unsupported(std::string what, int location) const {
  AstExprPtr result = make(Kind::kUnsupported, location);
  result->text = std::move(what);
  return result;
}

Status Converter::append(const List* list, std::vector<AstExprPtr>& out) {
  out.reserve(out.size() + static_cast<size_t>(length_of(list)));
  for (int i = 0; i < length_of(list); ++i) {
    ASSIGN_OR_RETURN(AstExprPtr child, expression(item(list, i)));
    out.push_back(std::move(child));
  }
  return {};
}

Status Converter::check_depth() const {
  if (depth_ >= kExpressionDepthMax) return too_deep();
  return check_stack_depth();
}

Result<AstExprPtr> Converter::expression(const Node* node) {
  RETURN_IF_ERROR(check_depth());
  ++depth_;
  Result<AstExprPtr> result = expression_at_depth(node);
  --depth_;
  return result;
}

Result<AstExprPtr> Converter::expression_at_depth(const Node* node) {
  const auto one_child = [&](Kind kind, const void* argument, int location) -> Result<AstExprPtr> {
    AstExprPtr result = make(kind, location);
    ASSIGN_OR_RETURN(AstExprPtr child, expression(static_cast<const Node*>(argument)));
    result->children.push_back(std::move(child));
    return result;
  };
  const auto list_of = [&](Kind kind, const List* list, int location) -> Result<AstExprPtr> {
    AstExprPtr result = make(kind, location);
    RETURN_IF_ERROR(append(list, result->children));
    return result;
  };
  switch (nodeTag(node)) {
    case T_ColumnRef:
      return column_ref(as<ColumnRef>(node));
    case T_A_Const:
      return constant(as<A_Const>(node));
    case T_ParamRef: {
      AstExprPtr result = make(Kind::kParameter, as<ParamRef>(node).location);
      result->number = as<ParamRef>(node).number;
      return result;
    }
    case T_A_Expr:
      return a_expr(as<A_Expr>(node));
    case T_BoolExpr:
      return bool_expr(as<BoolExpr>(node));
    case T_NullTest: {
      const auto& test = as<NullTest>(node);
      return one_child(test.nulltesttype == IS_NULL ? Kind::kIsNull : Kind::kIsNotNull, test.arg,
                       test.location);
    }
    case T_BooleanTest: {
      const auto& test = as<BooleanTest>(node);
      static constexpr Kind kKinds[] = {Kind::kIsTrue,     Kind::kIsNotTrue, Kind::kIsFalse,
                                        Kind::kIsNotFalse, Kind::kIsUnknown, Kind::kIsNotUnknown};
      return one_child(kKinds[test.booltesttype], test.arg, test.location);
    }
    case T_CaseExpr:
      return case_expr(as<CaseExpr>(node));
    case T_CoalesceExpr:
      return list_of(Kind::kCoalesce, as<CoalesceExpr>(node).args,
                     as<CoalesceExpr>(node).location);
    case T_MinMaxExpr: {
      const auto& min_max = as<MinMaxExpr>(node);
      return list_of(min_max.op == IS_GREATEST ? Kind::kGreatest : Kind::kLeast, min_max.args,
                     min_max.location);
    }
    case T_A_ArrayExpr:
      return list_of(Kind::kArray, as<A_ArrayExpr>(node).elements, as<A_ArrayExpr>(node).location);
    case T_TypeCast: {
      const auto& cast = as<TypeCast>(node);
      ASSIGN_OR_RETURN(AstExprPtr result, one_child(Kind::kCast, cast.arg, cast.location));
      ASSIGN_OR_RETURN(result->type, type_name(*cast.typeName));
      return result;
    }
    case T_FuncCall:
      return call(as<FuncCall>(node));
    case T_SQLValueFunction:
      return value_function(as<SQLValueFunction>(node));
    case T_A_Indirection:
      return indirection(as<A_Indirection>(node));
    case T_CollateClause: {
      const auto& collate = as<CollateClause>(node);
      const std::vector<std::string> names = strings_of(collate.collname);
      if (names.back() == "default" || names.back() == "C" || names.back() == "POSIX" ||
          names.back() == "ucs_basic") {
        return expression(collate.arg);  // every text compares in the C collation here
      }
      return error(sqlstate::kUndefinedObject,
                   "collation \"" + names.back() + "\" for encoding \"UTF8\" does not exist",
                   collate.location);
    }
    case T_SubLink:
      return sublink(as<SubLink>(node));
    case T_SetToDefault:
      return make(Kind::kDefault, as<SetToDefault>(node).location);
    case T_RowExpr:
      return list_of(Kind::kRow, as<RowExpr>(node).args, as<RowExpr>(node).location);
    case T_GroupingFunc:
      return list_of(Kind::kGrouping, as<GroupingFunc>(node).args,
                     as<GroupingFunc>(node).location);
    case T_NamedArgExpr: {
      const auto& argument = as<NamedArgExpr>(node);
      ASSIGN_OR_RETURN(AstExprPtr result,
                       one_child(Kind::kNamedArgument, argument.arg, argument.location));
      result->names.emplace_back(argument.name);
      return result;
    }
    case T_XmlExpr:
      return unsupported("XML", as<XmlExpr>(node).location);
    case T_XmlSerialize:
      return unsupported("XML", as<XmlSerialize>(node).location);
    case T_CurrentOfExpr:
      return unsupported("WHERE CURRENT OF", -1);
    default:
      return unsupported("this expression", -1);
  }
}

Result<AstExprPtr> Converter::constant(const A_Const& node) {
  AstExprPtr result = make(Kind::kNull, node.location);
  if (node.isnull) return result;
  switch (nodeTag(&node.val)) {
    case T_Integer:
      result->kind = Kind::kInteger;
      result->number = node.val.ival.ival;
      return result;
    case T_Float:
      result->kind = Kind::kNumber;
      result->text = node.val.fval.fval;
      return result;
    case T_Boolean:
      result->kind = Kind::kBoolean;
      result->number = node.val.boolval.boolval ? 1 : 0;
      return result;
    case T_String:
      result->kind = Kind::kString;
      result->text = node.val.sval.sval;
      return result;
    case T_BitString:
      result->kind = Kind::kBitString;
      result->text = node.val.bsval.bsval;
      return result;
    default:
      return unsupported("a constant of this kind", node.location);
  }
}

Result<AstExprPtr> Converter::column_ref(const ColumnRef& node) {
  AstExprPtr result = make(Kind::kColumnRef, node.location);
  for (int i = 0; i < length_of(node.fields); ++i) {
    const Node* field = item(node.fields, i);
    if (nodeTag(field) == T_A_Star) {
      result->star = true;
    } else {
      result->names.push_back(string_of(field));
    }
  }
  if (!result->names.empty()) names_written_->insert(result->names.back());
  return result;
}

// a + b + c … is left-deep: walked down the left spine in a loop, then built up again.
Result<AstExprPtr> Converter::operator_chain(const A_Expr* node) {
  std::vector<const A_Expr*> spine;
  const Node* left = reinterpret_cast<const Node*>(node);
  while (left != nullptr && nodeTag(left) == T_A_Expr && as<A_Expr>(left).kind == AEXPR_OP) {
    spine.push_back(&as<A_Expr>(left));
    left = as<A_Expr>(left).lexpr;
    if (depth_ + static_cast<int>(spine.size()) > kExpressionDepthMax) return too_deep();
  }
  const int levels = static_cast<int>(spine.size());
  depth_ += levels;
  AstExprPtr result;
  if (left != nullptr) {
    Result<AstExprPtr> first = expression(left);
    if (!first.ok()) return first;
    result = std::move(first).value();
  }
  for (size_t i = spine.size(); i-- > 0;) {
    AstExprPtr parent = make(Kind::kOperator, spine[i]->location);
    parent->names = strings_of(spine[i]->name);
    if (result != nullptr) parent->children.push_back(std::move(result));
    Result<AstExprPtr> right = expression(spine[i]->rexpr);
    if (!right.ok()) return right;
    parent->children.push_back(std::move(right).value());
    result = std::move(parent);
  }
  depth_ -= levels;
  return result;
}

Result<AstExprPtr> Converter::a_expr(const A_Expr& node) {
  Kind kind = Kind::kOperator;
  switch (node.kind) {
    case AEXPR_OP:
      return operator_chain(&node);
    case AEXPR_LIKE:
    case AEXPR_ILIKE:
    case AEXPR_SIMILAR:
      kind = Kind::kOperator;
      break;
    case AEXPR_OP_ANY:
      kind = Kind::kOperatorAny;
      break;
    case AEXPR_OP_ALL:
      kind = Kind::kOperatorAll;
      break;
    case AEXPR_DISTINCT:
      kind = Kind::kDistinct;
      break;
    case AEXPR_NOT_DISTINCT:
      kind = Kind::kNotDistinct;
      break;
    case AEXPR_NULLIF:
      kind = Kind::kNullIf;
      break;
    case AEXPR_IN:
      kind = string_of(item(node.name, 0)) == "<>" ? Kind::kNotIn : Kind::kIn;
      break;
    case AEXPR_BETWEEN:
      kind = Kind::kBetween;
      break;
    case AEXPR_NOT_BETWEEN:
      kind = Kind::kNotBetween;
      break;
    case AEXPR_BETWEEN_SYM:
      kind = Kind::kBetweenSymmetric;
      break;
    case AEXPR_NOT_BETWEEN_SYM:
      kind = Kind::kNotBetweenSymmetric;
      break;
  }
  AstExprPtr result = make(kind, node.location);
  if (kind == Kind::kOperator || kind == Kind::kOperatorAny || kind == Kind::kOperatorAll) {
    result->names = strings_of(node.name);
  }
  ASSIGN_OR_RETURN(AstExprPtr left, expression(node.lexpr));
  result->children.push_back(std::move(left));
  if (nodeTag(node.rexpr) == T_List) {  // IN and BETWEEN
    RETURN_IF_ERROR(append(reinterpret_cast<const List*>(node.rexpr), result->children));
  } else {
    ASSIGN_OR_RETURN(AstExprPtr right, expression(node.rexpr));
    result->children.push_back(std::move(right));
  }
  if (result->children.size() > kExpressionTermsMax) return too_deep();
  return result;
}

// The grammar flattens the left side of AND and OR; `a AND (b AND c)` is flattened here.
Result<AstExprPtr> Converter::bool_expr(const BoolExpr& node) {
  const Kind kind = node.boolop == AND_EXPR ? Kind::kAnd
                    : node.boolop == OR_EXPR ? Kind::kOr
                                             : Kind::kNot;
  AstExprPtr result = make(kind, node.location);
  if (static_cast<size_t>(length_of(node.args)) > kExpressionTermsMax) return too_deep();
  for (int i = 0; i < length_of(node.args); ++i) {
    ASSIGN_OR_RETURN(AstExprPtr child, expression(item(node.args, i)));
    if (child->kind == kind && kind != Kind::kNot) {
      for (AstExprPtr& grandchild : child->children) {
        result->children.push_back(std::move(grandchild));
      }
    } else {
      result->children.push_back(std::move(child));
    }
    if (result->children.size() > kExpressionTermsMax) return too_deep();
  }
  return result;
}

Result<AstExprPtr> Converter::case_expr(const CaseExpr& node) {
  AstExprPtr result = make(Kind::kCase, node.location);
  const auto add = [&](const Expr* child) -> Status {
    ASSIGN_OR_RETURN(AstExprPtr converted, expression(reinterpret_cast<const Node*>(child)));
    result->children.push_back(std::move(converted));
    return {};
  };
  result->has_argument = node.arg != nullptr;
  if (node.arg != nullptr) RETURN_IF_ERROR(add(node.arg));
  for (int i = 0; i < length_of(node.args); ++i) {
    const auto& when = as<CaseWhen>(item(node.args, i));
    RETURN_IF_ERROR(add(when.expr));
    RETURN_IF_ERROR(add(when.result));
  }
  result->has_else = node.defresult != nullptr;
  if (node.defresult != nullptr) RETURN_IF_ERROR(add(node.defresult));
  return result;
}

}  // namespace eventd::engine::pg
