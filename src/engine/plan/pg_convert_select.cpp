#include "engine/limits.h"
#include "engine/plan/pg_convert.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine::pg {
namespace {

// libpg_query is built with LIMIT_OPTION_DEFAULT first, unlike PostgreSQL's header: 0 none,
// 1 count, 2 with ties (LimitOption in its pg_query.proto). Checked by a unit test.
constexpr int kLibraryLimitWithTies = 2;

const char* set_operation_name(SetOperation operation) {
  if (operation == SETOP_INTERSECT) return "INTERSECT";
  if (operation == SETOP_EXCEPT) return "EXCEPT";
  return "UNION";
}

void refuse(SelectAst& select, const char* what, int position) {
  if (!select.unsupported.empty()) return;
  select.unsupported = what;
  select.unsupported_position = position;
}

}  // namespace

Result<SelectAstPtr> Converter::select(const SelectStmt& node) {
  if (depth_ >= kExpressionDepthMax) {
    return Status(sqlstate::kStatementTooComplex, "stack depth limit exceeded");
  }
  RETURN_IF_ERROR(check_stack_depth());
  ++depth_;
  Result<SelectAstPtr> result = select_at_depth(node);
  --depth_;
  return result;
}

Result<SelectAstPtr> Converter::select_at_depth(const SelectStmt& node) {
  auto out = std::make_unique<SelectAst>();
  if (node.withClause != nullptr) refuse(*out, "WITH", position(node.withClause->location));
  if (node.intoClause != nullptr) refuse(*out, "SELECT INTO", 0);
  if (node.windowClause != nullptr) refuse(*out, "WINDOW", 0);
  RETURN_IF_ERROR(select_tail(node, *out));
  if (node.op != SETOP_NONE) {
    RETURN_IF_ERROR(union_arms(node, *out));
    return out;
  }
  if (node.valuesLists != nullptr) {
    for (int i = 0; i < length_of(node.valuesLists); ++i) {
      out->values.emplace_back();
      RETURN_IF_ERROR(append(reinterpret_cast<const List*>(item(node.valuesLists, i)),
                             out->values.back()));
    }
    return out;
  }
  if (length_of(node.targetList) > kTargetListMax) {
    return Status(sqlstate::kTooManyColumns, "target lists can have at most 1664 entries");
  }
  for (int i = 0; i < length_of(node.targetList); ++i) {
    const auto& target = as<ResTarget>(item(node.targetList, i));
    AstTarget converted;
    converted.position = position(target.location);
    if (target.name != nullptr) converted.name = target.name;
    ASSIGN_OR_RETURN(converted.expression, expression(target.val));
    out->targets.push_back(std::move(converted));
  }
  for (int i = 0; i < length_of(node.fromClause); ++i) {
    ASSIGN_OR_RETURN(AstFromItem from, from_item(item(node.fromClause, i)));
    out->from.push_back(std::move(from));
  }
  if (node.whereClause != nullptr) {
    ASSIGN_OR_RETURN(out->where, expression(node.whereClause));
  }
  for (int i = 0; i < length_of(node.groupClause); ++i) {
    AstGroupItem group;
    ASSIGN_OR_RETURN(group.expression, expression(item(node.groupClause, i)));
    group.position = group.expression->position;
    out->group_by.push_back(std::move(group));
  }
  if (node.havingClause != nullptr) {
    ASSIGN_OR_RETURN(out->having, expression(node.havingClause));
  }
  if (node.distinctClause != nullptr) {
    out->distinct = true;
    if (item(node.distinctClause, 0) != nullptr) refuse(*out, "SELECT DISTINCT ON", 0);
  }
  return out;
}

// ORDER BY, LIMIT, OFFSET: shared by plain queries and UNIONs. FOR UPDATE is accepted: rows of
// events never change.
Status Converter::select_tail(const SelectStmt& node, SelectAst& out) {
  ASSIGN_OR_RETURN(out.order_by, sort_items(node.sortClause));
  if (node.limitCount != nullptr) {
    ASSIGN_OR_RETURN(out.limit, expression(node.limitCount));
    if (out.limit->kind == AstExpr::Kind::kNull) out.limit = nullptr;  // LIMIT ALL
  }
  if (node.limitOffset != nullptr) {
    ASSIGN_OR_RETURN(out.offset, expression(node.limitOffset));
  }
  out.with_ties = static_cast<int>(node.limitOption) == kLibraryLimitWithTies;
  return {};
}

// a UNION ALL b UNION ALL c … is left-deep: the left spine is walked in a loop.
Status Converter::union_arms(const SelectStmt& node, SelectAst& out) {
  out.set_operation = SelectAst::SetOperation::kUnion;
  out.set_all = true;
  std::vector<const SelectStmt*> arms;
  const SelectStmt* left = &node;
  for (;;) {
    const bool plain = left == &node || (left->sortClause == nullptr &&
                                         left->limitCount == nullptr &&
                                         left->limitOffset == nullptr &&
                                         left->withClause == nullptr);
    if (left->op == SETOP_NONE || !plain) break;
    if (left->op != SETOP_UNION || !left->all) {
      refuse(out, set_operation_name(left->op), 0);
      return {};
    }
    arms.push_back(left->rarg);
    left = left->larg;
    if (arms.size() > kExpressionTermsMax) {
      return {sqlstate::kStatementTooComplex, "too many UNION ALL branches"};
    }
  }
  arms.push_back(left);
  for (size_t i = arms.size(); i-- > 0;) {
    ASSIGN_OR_RETURN(SelectAstPtr arm, select(*arms[i]));
    out.arms.push_back(std::move(arm));
  }
  return {};
}

Result<AstFromItem> Converter::from_item(const Node* node) {
  AstFromItem out;
  const auto set_alias = [&out](const Alias* alias) {
    if (alias == nullptr) return;
    out.alias = alias->aliasname;
    out.column_aliases = strings_of(alias->colnames);
  };
  const auto refuse_item = [&out](const char* what, int where) {
    out.kind = AstFromItem::Kind::kUnsupported;
    out.name = what;
    out.position = where;
  };
  switch (nodeTag(node)) {
    case T_RangeVar: {
      const auto& range = as<RangeVar>(node);
      if (range.schemaname != nullptr) out.schema = range.schemaname;
      out.name = range.relname;
      out.position = position(range.location);
      set_alias(range.alias);
      return out;
    }
    case T_RangeSubselect: {
      const auto& range = as<RangeSubselect>(node);
      if (range.lateral) {
        refuse_item("LATERAL", 0);
        return out;
      }
      out.kind = AstFromItem::Kind::kSubquery;
      ASSIGN_OR_RETURN(out.subquery, select(as<SelectStmt>(range.subquery)));
      set_alias(range.alias);
      return out;
    }
    case T_RangeFunction: {
      const auto& range = as<RangeFunction>(node);
      if (length_of(range.functions) != 1) {
        refuse_item("ROWS FROM with several functions", 0);
        return out;
      }
      const Node* pair = item(range.functions, 0);
      const List* function_and_columns = reinterpret_cast<const List*>(pair);
      if (range.coldeflist != nullptr || item(function_and_columns, 1) != nullptr) {
        refuse_item("a column definition list", 0);
        return out;
      }
      out.kind = AstFromItem::Kind::kFunction;
      ASSIGN_OR_RETURN(AstExprPtr function, expression(item(function_and_columns, 0)));
      out.functions.push_back(std::move(function));
      out.ordinality = range.ordinality;
      out.position = out.functions[0]->position;
      set_alias(range.alias);
      return out;
    }
    case T_JoinExpr:
      refuse_item("JOIN", 0);
      return out;
    case T_RangeTableSample:
      refuse_item("TABLESAMPLE", position(as<RangeTableSample>(node).location));
      return out;
    default:
      refuse_item("this FROM item", 0);
      return out;
  }
}

}  // namespace eventd::engine::pg
