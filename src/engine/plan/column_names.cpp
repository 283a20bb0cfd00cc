#include "engine/plan/column_names.h"

namespace eventd::engine {
namespace {

// `strong` names win over the type name of a cast around them.
struct Name {
  std::string text;
  bool strong = false;
};

Name figure(const AstExpr& ast, const SubqueryNames* subqueries);

// What the only column of a scalar subquery is called.
Name figure_query(const SelectAst& query, const SubqueryNames* subqueries) {
  if (subqueries != nullptr) {
    const auto bound = subqueries->find(&query);
    if (bound != subqueries->end()) return {bound->second, true};
  }
  if (!query.values.empty()) return {"column1", true};
  if (!query.arms.empty()) return figure_query(*query.arms[0], subqueries);
  if (query.targets.empty()) return {};
  const AstTarget& target = query.targets[0];
  if (!target.name.empty()) return {target.name, true};
  Name name = figure(*target.expression, subqueries);
  return {name.text.empty() ? "?column?" : std::move(name.text), true};
}

Name figure(const AstExpr& ast, const SubqueryNames* subqueries) {
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
    case Kind::kSubscript:
    case Kind::kSlice: return figure(*ast.children[0], subqueries);
    case Kind::kField:
      if (ast.star) return {};
      return {ast.names[0], true};
    case Kind::kRow: return {"row", true};
    case Kind::kGrouping: return {"grouping", true};
    case Kind::kExists: return {"exists", true};
    case Kind::kArraySubquery: return {"array", true};
    case Kind::kScalarSubquery: return figure_query(*ast.subquery, subqueries);
    case Kind::kCast: {
      Name inner = figure(*ast.children[0], subqueries);
      if (inner.strong) return inner;
      return {ast.type->names.back(), false};
    }
    case Kind::kCase: {
      if (ast.has_else) {
        Name inner = figure(*ast.children.back(), subqueries);
        if (inner.strong) return inner;
      }
      return {"case", false};
    }
    default:
      return {};
  }
}

}  // namespace

std::string column_name_of(const AstExpr& expression, const SubqueryNames* subqueries) {
  Name name = figure(expression, subqueries);
  return name.text.empty() ? "?column?" : std::move(name.text);
}

}  // namespace eventd::engine
