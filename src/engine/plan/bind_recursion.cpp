// The recursive query of WITH RECURSIVE, with SEARCH and CYCLE rewritten as PostgreSQL's manual
// (7.8.2) describes them: columns of the working table that the recursive term cannot name carry
// the path so far.
#include <algorithm>

#include "engine/plan/coercion.h"
#include "engine/plan/recursion_columns.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

Status refuse_clauses(const SelectAst& query) {
  const auto refuse = [](const char* clause, int position) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      std::string(clause) + " in a recursive query is not implemented", position);
  };
  if (!query.order_by.empty()) return refuse("ORDER BY", query.order_by[0].expression->position);
  if (query.offset != nullptr) return refuse("OFFSET", query.offset->position);
  if (query.limit != nullptr) return refuse("LIMIT", query.limit->position);
  if (!query.locking.empty()) return refuse("FOR UPDATE/SHARE", 0);
  return {};
}

int target_position(const SelectAst& arm, size_t c) {
  if (!arm.values.empty()) return leftmost_position(*arm.values[0][c]);
  return c < arm.targets.size() ? leftmost_position(*arm.targets[c].expression) : arm.position;
}

bool is_plain_select(const SelectAst& arm) {
  return arm.set_operation == SelectAst::SetOperation::kNone && arm.values.empty();
}

// A projection that passes all columns of a term.
PlanPtr projection_of(PlanPtr plan, size_t count) { return first_columns(std::move(plan), count); }

}  // namespace

// What SEARCH and CYCLE add to the rows; checked here, as the columns of the query are known.
Status SelectBinder::add_hidden_columns(BoundCte& cte) {
  const AstCte& ast = *cte.ast;
  RETURN_IF_ERROR(check_search_and_cycle(ast, cte.columns));
  if (ast.search != nullptr) {
    const Oid type = ast.search->breadth_first ? oid::kRecord : kRecordArray;
    cte.hidden.push_back({ast.search->sequence_column, {type, -1}, 0, kHiddenColumn});
  }
  if (ast.cycle != nullptr) {
    ASSIGN_OR_RETURN(CycleMarks marks, bind_cycle_marks(*ast.cycle, state_));
    cte.hidden.push_back({ast.cycle->mark_column, marks.value->type, 0, kHiddenColumn});
    cte.hidden.push_back({ast.cycle->path_column, {kRecordArray, -1}, 0, kHiddenColumn});
  }
  return {};
}

// The working table, for CYCLE without the rows that closed one.
Result<PlanPtr> SelectBinder::working_table(const BoundCte& cte, PlanPtr table) {
  table->columns.insert(table->columns.end(), cte.hidden.begin(), cte.hidden.end());
  if (cte.ast->cycle == nullptr) return table;
  const size_t mark = table->columns.size() - 2;
  ASSIGN_OR_RETURN(CycleMarks marks, bind_cycle_marks(*cte.ast->cycle, state_));
  SubqueryFrame frame;
  QueryLevel level(frame);
  ExpressionBinder binder(state_, level, "CYCLE");
  PlanPtr filter = plan_above(PlanNode::Kind::kFilter, std::move(table));
  ExprPtr marked = Expr::column(static_cast<int>(mark), marks.value->type);
  ASSIGN_OR_RETURN(filter->condition,
                   binder.bind_operator("<>", std::move(marked), std::move(marks.value),
                                        cte.ast->cycle->position));
  return filter;
}

Result<PlanPtr> SelectBinder::recursive_plan(BoundCte& cte, const SelectAst& query, PlanPtr left,
                                             PlanPtr right) {
  const AstCte& ast = *cte.ast;
  const SelectAst& last = *query.arms.back();
  RETURN_IF_ERROR(refuse_clauses(query));
  const size_t count = cte.columns.size();
  if (!cte.hidden.empty()) {
    if (query.arms.size() > 2 || !is_plain_select(*query.arms[0]) || !is_plain_select(last)) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        std::string("with a SEARCH or CYCLE clause, the ") +
                            (is_plain_select(last) ? "left" : "right") +
                            " side of the UNION must be a SELECT",
                        0);
    }
    if (right->columns.size() == count) {
      return bind_error(sqlstate::kFeatureNotSupported,
                        "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"" +
                            ast.name + "\" must be at the top level of its right-hand SELECT",
                        0);
    }
  }
  if (right->columns.size() != count + cte.hidden.size()) {
    return bind_error(sqlstate::kSyntaxError,
                      "each UNION query must have the same number of columns",
                      target_position(last, 0));
  }
  std::vector<Type> types;
  for (size_t c = 0; c < count; ++c) {
    const Type type = cte.columns[c].type, other = right->columns[c].type;
    const Oid pair[] = {type.id, other.id};
    const Oid common = common_type_of(pair);
    if (common == oid::kInvalid) {
      return bind_error(sqlstate::kDatatypeMismatch,
                        "UNION types " + format_type({type.id, -1}) + " and " +
                            format_type({other.id, -1}) + " cannot be matched",
                        target_position(last, c));
    }
    const Type overall{common, other == type ? type.modifier : -1};
    if (overall != type && other.id != oid::kUnknown) {
      Error error = bind_error(sqlstate::kDatatypeMismatch,
                               "recursive query \"" + ast.name + "\" column " +
                                   std::to_string(c + 1) + " has type " + format_type(type) +
                                   " in non-recursive term but type " + format_type(overall) +
                                   " overall",
                               target_position(*query.arms[0], c));
      error.hint = "Cast the output of the non-recursive term to the correct type.";
      return error;
    }
    types.push_back(type);
  }
  ASSIGN_OR_RETURN(left, coerce_columns(std::move(left), types, CastContext::kImplicit, state_));
  for (const OutputColumn& column : cte.hidden) types.push_back(column.type);
  ASSIGN_OR_RETURN(right, coerce_columns(std::move(right), types, CastContext::kImplicit, state_));
  if (!cte.hidden.empty()) {
    left = projection_of(std::move(left), count);
    RETURN_IF_ERROR(add_first_round(ast, cte.columns, cte.hidden, *left, state_));
    right = projection_of(std::move(right), count);
    RETURN_IF_ERROR(add_next_round(ast, cte.columns, cte.hidden, *right, state_));
  }
  auto node = std::make_unique<PlanNode>(PlanNode::Kind::kRecursiveUnion);
  node->cte_id = cte.id;
  node->set_all = query.set_all;
  node->columns = cte.columns;
  for (const OutputColumn& column : cte.hidden) {
    node->columns.push_back({column.name, column.type, 0, 0});
  }
  node->children.push_back(std::move(left));
  node->children.push_back(std::move(right));
  return node;
}

}  // namespace eventd::engine
