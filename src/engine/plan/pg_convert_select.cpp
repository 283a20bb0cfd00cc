#include "engine/limits.h"
#include "engine/plan/pg_convert.h"

namespace eventd::engine::pg {
namespace {

// libpg_query is built with LIMIT_OPTION_DEFAULT first, unlike PostgreSQL's header: 0 none,
// 1 count, 2 with ties (LimitOption in its pg_query.proto). Checked by a unit test.
constexpr int kLibraryLimitWithTies = 2;

SelectAst::SetOperation set_operation_of(const SelectStmt& node) {
  switch (node.op) {
    case SETOP_INTERSECT:
      return SelectAst::SetOperation::kIntersect;
    case SETOP_EXCEPT:
      return SelectAst::SetOperation::kExcept;
    case SETOP_UNION:
      return SelectAst::SetOperation::kUnion;
    default:
      return SelectAst::SetOperation::kNone;
  }
}

// Parentheses around an operand show only in the clauses that need them.
bool has_clauses(const SelectStmt& node) {
  return node.sortClause != nullptr || node.limitCount != nullptr ||
         node.limitOffset != nullptr || node.withClause != nullptr ||
         node.lockingClause != nullptr;
}

const char* locking_name(LockClauseStrength strength) {
  switch (strength) {
    case LCS_FORKEYSHARE: return "FOR KEY SHARE";
    case LCS_FORSHARE: return "FOR SHARE";
    case LCS_FORNOKEYUPDATE: return "FOR NO KEY UPDATE";
    default: return "FOR UPDATE";
  }
}

void refuse(SelectAst& select, const char* what, int position) {
  if (!select.unsupported.empty()) return;
  select.unsupported = what;
  select.unsupported_position = position;
}

}  // namespace

Result<SelectAstPtr> Converter::select(const SelectStmt& node) {
  RETURN_IF_ERROR(check_depth());
  ++depth_;
  Result<SelectAstPtr> result = select_at_depth(node);
  --depth_;
  return result;
}

Result<SelectAstPtr> Converter::select_at_depth(const SelectStmt& node) {
  auto out = std::make_unique<SelectAst>();
  out->names_written = names_written_;
  if (node.intoClause != nullptr) {
    refuse(*out, "SELECT INTO", position(node.intoClause->rel->location));
  }
  if (node.withClause != nullptr) RETURN_IF_ERROR(with_clause(*node.withClause, *out));
  RETURN_IF_ERROR(node.op == SETOP_NONE ? select_body(node, *out)
                                        : set_operation_arms(node, *out));
  RETURN_IF_ERROR(select_tail(node, *out));
  return out;
}

Status Converter::select_body(const SelectStmt& node, SelectAst& out) {
  for (int i = 0; i < length_of(node.valuesLists); ++i) {
    out.values.emplace_back();
    RETURN_IF_ERROR(append(reinterpret_cast<const List*>(item(node.valuesLists, i)),
                           out.values.back()));
  }
  if (!out.values.empty()) {
    out.position = out.values[0][0]->position;
    return {};
  }
  if (length_of(node.targetList) > kTargetListMax) {
    return {sqlstate::kTooManyColumns, "target lists can have at most 1664 entries"};
  }
  for (int i = 0; i < length_of(node.targetList); ++i) {
    const auto& target = as<ResTarget>(item(node.targetList, i));
    AstTarget converted;
    converted.position = position(target.location);
    if (target.name != nullptr) converted.name = target.name;
    ASSIGN_OR_RETURN(converted.expression, expression(target.val));
    out.targets.push_back(std::move(converted));
  }
  if (!out.targets.empty()) out.position = out.targets[0].position;
  for (int i = 0; i < length_of(node.fromClause); ++i) {
    ASSIGN_OR_RETURN(AstFromItem from, from_item(item(node.fromClause, i)));
    out.from.push_back(std::move(from));
  }
  if (node.whereClause != nullptr) {
    ASSIGN_OR_RETURN(out.where, expression(node.whereClause));
  }
  RETURN_IF_ERROR(group_items(node.groupClause, false, out.group_by));
  out.group_distinct = node.groupDistinct;
  if (node.havingClause != nullptr) {
    ASSIGN_OR_RETURN(out.having, expression(node.havingClause));
  }
  for (int i = 0; i < length_of(node.windowClause); ++i) {
    ASSIGN_OR_RETURN(AstWindow converted, window(as<WindowDef>(item(node.windowClause, i))));
    out.windows.push_back(std::move(converted));
  }
  if (node.distinctClause != nullptr) {
    out.distinct = true;
    if (item(node.distinctClause, 0) != nullptr) {  // else a list of one null: plain DISTINCT
      RETURN_IF_ERROR(append(node.distinctClause, out.distinct_on));
    }
  }
  return {};
}

Status Converter::group_items(const List* list, bool in_set, std::vector<AstGroupItem>& out) {
  for (int i = 0; i < length_of(list); ++i) {
    RETURN_IF_ERROR(group_item(item(list, i), in_set, out));
  }
  return {};
}

// (a, b) written as a row is a list of items: at the top the items themselves, in a grouping set
// one that has them all. ROW(a, b) is an expression.
Status Converter::group_item(const Node* node, bool in_set, std::vector<AstGroupItem>& out) {
  RETURN_IF_ERROR(check_depth());
  AstGroupItem group;
  if (nodeTag(node) == T_RowExpr && as<RowExpr>(node).row_format == COERCE_IMPLICIT_CAST) {
    std::vector<AstGroupItem>& items = in_set ? group.items : out;
    ++depth_;
    Status added = group_items(as<RowExpr>(node).args, false, items);
    --depth_;
    RETURN_IF_ERROR(std::move(added));
    if (!in_set) return {};
    group.kind = AstGroupItem::Kind::kList;
    group.position = position(as<RowExpr>(node).location);
  } else if (nodeTag(node) == T_GroupingSet) {
    static constexpr AstGroupItem::Kind kKinds[] = {
        AstGroupItem::Kind::kEmpty, AstGroupItem::Kind::kList, AstGroupItem::Kind::kRollup,
        AstGroupItem::Kind::kCube, AstGroupItem::Kind::kSets};
    const auto& set = as<GroupingSet>(node);
    group.kind = kKinds[set.kind];
    group.position = position(set.location);
    ++depth_;
    Status added = group_items(set.content, true, group.items);
    --depth_;
    RETURN_IF_ERROR(std::move(added));
  } else {
    ASSIGN_OR_RETURN(group.expression, expression(node));
    group.position = group.expression->position;
  }
  out.push_back(std::move(group));
  return {};
}

// FOR UPDATE and its kin lock nothing: rows of events never change. What PostgreSQL refuses is
// refused, though.
void Converter::locking_clauses(const SelectStmt& node, SelectAst& out) const {
  for (int i = 0; i < length_of(node.lockingClause); ++i) {
    const auto& clause = as<LockingClause>(item(node.lockingClause, i));
    AstLocking locking;
    locking.clause = locking_name(clause.strength);
    for (int k = 0; k < length_of(clause.lockedRels); ++k) {
      const auto& table = as<RangeVar>(item(clause.lockedRels, k));
      locking.tables.push_back({table.relname, table.schemaname != nullptr || table.catalogname != nullptr,
                                position(table.location)});
    }
    out.locking.push_back(std::move(locking));
  }
}

// ORDER BY, LIMIT, OFFSET: shared by plain queries and UNIONs.
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
  locking_clauses(node, out);
  return {};
}

// a UNION ALL b UNION ALL c … is left-deep: the left spine is walked in a loop as long as it is of
// one operation.
Status Converter::set_operation_arms(const SelectStmt& node, SelectAst& out) {
  out.set_operation = set_operation_of(node);
  out.set_all = node.all;
  std::vector<const SelectStmt*> arms;
  const SelectStmt* left = &node;
  do {
    arms.push_back(left->rarg);
    left = left->larg;
    if (arms.size() >= kExpressionTermsMax) return too_deep();
  } while (left->op == node.op && left->all == node.all && !has_clauses(*left));
  arms.push_back(left);
  for (size_t i = arms.size(); i-- > 0;) {
    ASSIGN_OR_RETURN(SelectAstPtr arm, select(*arms[i]));
    out.arms.push_back(std::move(arm));
  }
  out.position = out.arms[0]->position;
  return {};
}

}  // namespace eventd::engine::pg
