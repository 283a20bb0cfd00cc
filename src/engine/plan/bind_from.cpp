#include "engine/plan/column_names.h"
#include "engine/plan/from_binder.h"
#include "engine/plan/recursion_columns.h"
#include "engine/plan/stack_guard.h"
#include "interrupt.h"

namespace eventd::engine {

Status apply_column_aliases(const AstFromItem& item, std::vector<OutputColumn>& columns) {
  if (item.column_aliases.size() > columns.size()) {
    const std::string& name = item.alias.empty() ? item.name : item.alias;
    return {sqlstate::kInvalidColumnReference,
            "table \"" + name + "\" has " + std::to_string(columns.size()) +
                " columns available but " + std::to_string(item.column_aliases.size()) +
                " columns specified"};
  }
  for (size_t i = 0; i < item.column_aliases.size(); ++i) columns[i].name = item.column_aliases[i];
  return {};
}

namespace {

/// Each is a join more inside the last one, and the executor's plans are no deeper. Said before the
/// joins are made: the columns of all of them grow with the square of their number.
constexpr size_t kFromItemsMax = 500;

bool is_working_table(const PlanNode& plan) {
  return plan.kind == PlanNode::Kind::kWorkingTable ||
         (plan.kind == PlanNode::Kind::kFilter && is_working_table(*plan.children[0]));
}

}  // namespace

Result<FromPart> FromBinder::bind(const std::vector<AstFromItem>& items, SubqueryFrame& frame) {
  FromPart all;
  if (items.empty()) {  // one row without columns
    all.plan = std::make_unique<PlanNode>(PlanNode::Kind::kValues);
    all.plan->rows.emplace_back();
    return all;
  }
  if (items.size() > kFromItemsMax) {
    return Status(sqlstate::kStatementTooComplex, "too many FROM items");
  }
  for (const AstFromItem& item : items) {
    Result<FromPart> next = all.plan == nullptr ? bind_item(item, frame)
                                                : join(std::move(all), item, {}, frame);
    if (!next.ok()) return next;
    RETURN_IF_ERROR(check_interrupt());
    all = std::move(next).value();
  }
  return all;
}

Result<FromPart> FromBinder::bind_item(const AstFromItem& item, SubqueryFrame& frame) {
  RETURN_IF_ERROR(check_stack_depth());
  switch (item.kind) {
    case AstFromItem::Kind::kRelation:
      return bind_relation(item, frame);
    case AstFromItem::Kind::kSubquery:
      return bind_subquery(item, frame);
    case AstFromItem::Kind::kFunction:
      return bind_functions_alone(item, frame);
    case AstFromItem::Kind::kJoin:
      return bind_join_item(item, frame);
    case AstFromItem::Kind::kUnsupported:
      break;
  }
  return not_supported_yet(item.name, item.position);
}

Result<FromPart> FromBinder::bind_relation(const AstFromItem& item, SubqueryFrame& frame) {
  FromPart part;
  if (item.schema.empty()) {
    ASSIGN_OR_RETURN(part.plan, selects_.bind_cte_reference(item, frame));
  }
  Oid relation_oid = 0;
  std::string schema;
  if (part.plan == nullptr) {
    ASSIGN_OR_RETURN(part.plan, relation_plan(item));
    if (part.plan->kind == PlanNode::Kind::kScan) {
      relation_oid = part.plan->relation->relation_oid();
      schema = part.plan->relation->schema();
    } else {
      schema = item.schema.empty() ? "public" : item.schema;
    }
  }
  if (part.plan->kind == PlanNode::Kind::kScan) part.plan->alias = item.alias;
  // What SEARCH and CYCLE add to a working table can be named, but is none of its `*`.
  size_t hidden = 0;
  for (const OutputColumn& column : part.plan->columns) {
    hidden += column.attribute_number == kHiddenColumn ? 1 : 0;
  }
  names_working_table_ = names_working_table_ || is_working_table(*part.plan);
  RETURN_IF_ERROR(apply_column_aliases(item, part.plan->columns));
  const bool aliased = !item.alias.empty();
  part.scope.add_relation(aliased ? item.alias : item.name, aliased ? std::string() : schema,
                          part.plan->columns);
  part.scope.leave_out_of_star(hidden);
  Scope::Relation& relation = part.scope.relations().back();
  if (!aliased) relation.relation_oid = relation_oid;
  if (aliased && item.alias != item.name) relation.real_name = item.name;
  return part;
}

Result<PlanPtr> FromBinder::relation_plan(const AstFromItem& item) {
  const Relation* relation = relations_.find_relation(item.schema, item.name);
  if (relation == nullptr) {
    const std::string name = item.schema.empty() ? item.name : item.schema + "." + item.name;
    Error error = bind_error(sqlstate::kUndefinedTable,
                             "relation \"" + name + "\" does not exist", item.position);
    if (item.schema.empty() && selects_.is_later_cte(item.name)) {
      error.detail = "There is a WITH item named \"" + item.name +
                     "\", but it cannot be referenced from this part of the query.";
      error.hint =
          "Use WITH RECURSIVE, or re-order the WITH items to remove forward references.";
    }
    return error;
  }
  if (!relation->definition().empty()) return selects_.bind_view(*relation);
  auto scan = std::make_unique<PlanNode>(PlanNode::Kind::kScan);
  scan->relation = relation;
  const std::vector<RelationColumn>& columns = relation->columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    ScanColumn column;
    column.column = static_cast<int>(i);
    column.type = columns[i].type;
    scan->scan_columns.push_back(std::move(column));
    scan->columns.push_back({columns[i].name, columns[i].type, relation->relation_oid(),
                             static_cast<int16_t>(i + 1)});
  }
  return scan;
}

Result<FromPart> FromBinder::bind_subquery(const AstFromItem& item, SubqueryFrame& frame) {
  const bool was_active = lateral_active_;
  lateral_active_ = item.lateral;
  Result<PlanPtr> plan = selects_.bind(*item.subquery, frame);
  lateral_active_ = was_active;
  if (!plan.ok()) return explain_invisible(std::move(plan).take_status(), item.lateral);
  FromPart part;
  part.plan = std::move(plan).value();
  RETURN_IF_ERROR(apply_column_aliases(item, part.plan->columns));
  part.scope.add_relation(item.alias, {}, part.plan->columns);
  return part;
}

// Names that are not known here, but are in FROM further left: what PostgreSQL says then.
Status FromBinder::explain_invisible(Status failure, bool lateral) const {
  Error& error = failure.error();
  if (!error.hint.empty()) return failure;
  const auto entry_of = [](const std::string& table) {
    return "invalid reference to FROM-clause entry for table \"" + table + "\"";
  };
  for (size_t i = to_the_left_.size(); i-- > 0;) {
    const auto& [scope, allowed] = to_the_left_[i];
    for (const Scope::Relation& relation : scope->relations()) {
      const bool table =
          error.code == sqlstate::kUndefinedTable &&
          error.message == "missing FROM-clause entry for table \"" + relation.name + "\"";
      std::string column;
      for (const Scope::Column& candidate : relation.columns) {
        if (error.code == sqlstate::kUndefinedColumn &&
            error.message == "column \"" + candidate.name + "\" does not exist") {
          column = candidate.name;
        }
      }
      if (!table && column.empty()) continue;
      if (lateral && !allowed) {
        error.code = sqlstate::kInvalidColumnReference;
        error.message = entry_of(relation.name);
        error.detail = "The combining JOIN type must be INNER or LEFT for a LATERAL reference.";
      } else if (table) {
        error.message = entry_of(relation.name);
        error.hint = "There is an entry for table \"" + relation.name +
                     "\", but it cannot be referenced from this part of the query.";
      } else {
        error.hint = "There is a column named \"" + column + "\" in table \"" + relation.name +
                     "\", but it cannot be referenced from this part of the query.";
      }
      return failure;
    }
  }
  return failure;
}

}  // namespace eventd::engine
