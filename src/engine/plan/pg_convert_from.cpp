#include "engine/plan/pg_convert.h"

namespace eventd::engine::pg {
namespace {

void set_alias(const Alias* alias, AstFromItem& out) {
  if (alias == nullptr) return;
  out.alias = alias->aliasname;
  out.column_aliases = strings_of(alias->colnames);
}

AstFromItem refused(const char* what, int position) {
  AstFromItem out;
  out.kind = AstFromItem::Kind::kUnsupported;
  out.name = what;
  out.position = position;
  return out;
}

// unnest(a, b) in FROM is ROWS FROM (unnest(a), unnest(b)).
bool is_wide_unnest(const AstExpr& function) {
  return function.kind == AstExpr::Kind::kCall && function.names.size() == 1 &&
         function.names[0] == "unnest" && function.children.size() > 1 &&
         function.call == nullptr;
}

void split_unnest(AstExpr& function, std::vector<AstExprPtr>& out) {
  for (AstExprPtr& argument : function.children) {
    auto call = std::make_unique<AstExpr>();
    call->kind = AstExpr::Kind::kCall;
    call->names = function.names;
    call->position = function.position;
    call->children.push_back(std::move(argument));
    out.push_back(std::move(call));
  }
}

}  // namespace

Result<AstFromItem> Converter::from_item(const Node* node) {
  RETURN_IF_ERROR(check_depth());
  ++depth_;
  Result<AstFromItem> result = from_item_at_depth(node);
  --depth_;
  return result;
}

Result<AstFromItem> Converter::from_item_at_depth(const Node* node) {
  switch (nodeTag(node)) {
    case T_RangeVar: {
      const auto& range = as<RangeVar>(node);
      AstFromItem out;
      if (range.catalogname != nullptr) out.catalog = range.catalogname;
      if (range.schemaname != nullptr) out.schema = range.schemaname;
      out.name = range.relname;
      out.position = position(range.location);
      set_alias(range.alias, out);
      return out;
    }
    case T_RangeSubselect: {
      const auto& range = as<RangeSubselect>(node);
      AstFromItem out;
      out.kind = AstFromItem::Kind::kSubquery;
      out.lateral = range.lateral;
      ASSIGN_OR_RETURN(out.subquery, select(as<SelectStmt>(range.subquery)));
      set_alias(range.alias, out);
      out.position = out.subquery->position;
      return out;
    }
    case T_RangeFunction:
      return from_functions(as<RangeFunction>(node));
    case T_JoinExpr:
      return join(as<JoinExpr>(node));
    case T_RangeTableSample:
      return refused("TABLESAMPLE", position(as<RangeTableSample>(node).location));
    case T_RangeTableFunc:
      return refused("XMLTABLE", position(as<RangeTableFunc>(node).location));
    default:
      return refused("this FROM item", 0);
  }
}

Result<AstFromItem> Converter::from_functions(const RangeFunction& node) {
  AstFromItem out;
  out.kind = AstFromItem::Kind::kFunction;
  out.lateral = node.lateral;
  out.ordinality = node.ordinality;
  for (int i = 0; i < length_of(node.functions); ++i) {
    const auto* pair = reinterpret_cast<const List*>(item(node.functions, i));
    ASSIGN_OR_RETURN(AstExprPtr function, expression(item(pair, 0)));
    ASSIGN_OR_RETURN(std::vector<AstColumnDefinition> columns,
                     column_definitions(reinterpret_cast<const List*>(item(pair, 1))));
    if (is_wide_unnest(*function) && columns.empty()) {
      split_unnest(*function, out.functions);
      out.definitions.resize(out.functions.size());
    } else {
      out.functions.push_back(std::move(function));
      out.definitions.push_back(std::move(columns));
    }
  }
  // AS t(a int): the grammar keeps it apart, as that of the one function there may be then.
  if (node.coldeflist != nullptr) {
    if (out.functions.size() != 1) {
      Error refusal = error(sqlstate::kSyntaxError,
                            std::string(node.is_rowsfrom ? "ROWS FROM() with multiple functions"
                                                         : "UNNEST() with multiple arguments") +
                                " cannot have a column definition list",
                            as<ColumnDef>(item(node.coldeflist, 0)).location);
      refusal.hint = node.is_rowsfrom
                         ? "Put a separate column definition list for each function inside ROWS "
                           "FROM()."
                         : "Use separate UNNEST() calls inside ROWS FROM(), and attach a column "
                           "definition list to each one.";
      return refusal;
    }
    ASSIGN_OR_RETURN(out.definitions[0], column_definitions(node.coldeflist));
    if (node.ordinality) {
      Error refusal = error(sqlstate::kSyntaxError,
                            "WITH ORDINALITY cannot be used with a column definition list",
                            as<ColumnDef>(item(node.coldeflist, 0)).location);
      refusal.hint = "Put the column definition list inside ROWS FROM().";
      return refusal;
    }
  }
  out.position = out.functions[0]->position;
  set_alias(node.alias, out);
  return out;
}

Result<std::vector<AstColumnDefinition>> Converter::column_definitions(const List* list) {
  std::vector<AstColumnDefinition> out;
  for (int i = 0; i < length_of(list); ++i) {
    const auto& column = as<ColumnDef>(item(list, i));
    AstColumnDefinition converted;
    converted.name = column.colname;
    converted.position = position(column.location);
    ASSIGN_OR_RETURN(converted.type, type_name(*column.typeName));
    out.push_back(std::move(converted));
  }
  return out;
}

Result<AstFromItem> Converter::join(const JoinExpr& node) {
  AstFromItem out;
  out.kind = AstFromItem::Kind::kJoin;
  switch (node.jointype) {
    case JOIN_LEFT:
      out.join = engine::JoinType::kLeft;
      break;
    case JOIN_RIGHT:
      out.join = engine::JoinType::kRight;
      break;
    case JOIN_FULL:
      out.join = engine::JoinType::kFull;
      break;
    default:
      break;
  }
  ASSIGN_OR_RETURN(AstFromItem left, from_item(node.larg));
  ASSIGN_OR_RETURN(AstFromItem right, from_item(node.rarg));
  out.left = std::make_unique<AstFromItem>(std::move(left));
  out.right = std::make_unique<AstFromItem>(std::move(right));
  out.natural = node.isNatural;
  out.using_columns = strings_of(node.usingClause);
  if (node.join_using_alias != nullptr) out.using_alias = node.join_using_alias->aliasname;
  if (node.quals != nullptr) {
    ASSIGN_OR_RETURN(out.on, expression(node.quals));
  }
  set_alias(node.alias, out);
  out.position = out.right->position;
  return out;
}

}  // namespace eventd::engine::pg
