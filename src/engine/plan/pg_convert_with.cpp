#include "engine/plan/pg_convert.h"

namespace eventd::engine::pg {

Status Converter::with_clause(const WithClause& node, SelectAst& out) {
  out.with_recursive = node.recursive;
  for (int i = 0; i < length_of(node.ctes); ++i) {
    ASSIGN_OR_RETURN(AstCte cte, common_table(as<CommonTableExpr>(item(node.ctes, i))));
    out.with.push_back(std::move(cte));
  }
  return {};
}

Result<AstCte> Converter::common_table(const CommonTableExpr& node) {
  AstCte out;
  out.name = node.ctename;
  out.columns = strings_of(node.aliascolnames);
  out.position = position(node.location);
  if (node.ctematerialized == CTEMaterializeAlways) {
    out.materialized = AstCte::Materialized::kAlways;
  } else if (node.ctematerialized == CTEMaterializeNever) {
    out.materialized = AstCte::Materialized::kNever;
  }
  if (nodeTag(node.ctequery) == T_SelectStmt) {
    ASSIGN_OR_RETURN(out.query, select(as<SelectStmt>(node.ctequery)));
  } else {
    out.query = std::make_unique<SelectAst>();
    out.query->unsupported = statement_name(node.ctequery) + " in WITH";
    out.query->unsupported_position = position(node.location);
  }
  if (node.search_clause != nullptr) {
    const CTESearchClause& search = *node.search_clause;
    out.search = std::make_unique<AstCte::Search>();
    out.search->breadth_first = search.search_breadth_first;
    out.search->columns = strings_of(search.search_col_list);
    out.search->sequence_column = search.search_seq_column;
    out.search->position = position(search.location);
  }
  if (node.cycle_clause != nullptr) {
    const CTECycleClause& cycle = *node.cycle_clause;
    out.cycle = std::make_unique<AstCte::Cycle>();
    out.cycle->columns = strings_of(cycle.cycle_col_list);
    out.cycle->mark_column = cycle.cycle_mark_column;
    out.cycle->path_column = cycle.cycle_path_column;
    ASSIGN_OR_RETURN(out.cycle->mark_value, expression(cycle.cycle_mark_value));
    ASSIGN_OR_RETURN(out.cycle->mark_default, expression(cycle.cycle_mark_default));
    out.cycle->position = position(cycle.location);
  }
  return out;
}

}  // namespace eventd::engine::pg
