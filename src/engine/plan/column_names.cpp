#include "engine/plan/column_names.h"

namespace eventd::engine {
namespace {

// `strong` names win over the type name of a cast around them.
struct Name {
  std::string text;
  bool strong = false;
};

Name figure(const AstExpr& ast) {
  using Kind = AstExpr::Kind;
  switch (ast.kind) {
    case Kind::kColumnRef:
      if (ast.names.empty()) return {};
      return {ast.names.back(), true};
    case Kind::kCall:
    case Kind::kValueFunction:
      return {ast.names.back(), true};
    case Kind::kNullIf: return {"nullif", true};
    case Kind::kCoalesce: return {"coalesce", true};
    case Kind::kGreatest: return {"greatest", true};
    case Kind::kLeast: return {"least", true};
    case Kind::kArray: return {"array", true};
    case Kind::kSubscript: return figure(*ast.children[0]);
    case Kind::kCast: {
      Name inner = figure(*ast.children[0]);
      if (inner.strong) return inner;
      return {ast.type->names.back(), false};
    }
    case Kind::kCase: {
      if (ast.has_else) {
        Name inner = figure(*ast.children.back());
        if (inner.strong) return inner;
      }
      return {"case", false};
    }
    default:
      return {};
  }
}

}  // namespace

std::string column_name_of(const AstExpr& expression) {
  Name name = figure(expression);
  return name.text.empty() ? "?column?" : std::move(name.text);
}

}  // namespace eventd::engine
