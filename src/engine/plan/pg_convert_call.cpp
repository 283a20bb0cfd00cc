#include "engine/plan/pg_convert.h"

namespace eventd::engine::pg {
namespace {

using Kind = AstExpr::Kind;

// More steps after one value ((x)[1].a[2] …) than this are 54001.
constexpr int kIndirectionStepsMax = 16;

using Frame = AstWindowFrame;

Frame::Bound start_bound(int options) {
  if ((options & FRAMEOPTION_START_OFFSET_PRECEDING) != 0) return Frame::Bound::kOffsetPreceding;
  if ((options & FRAMEOPTION_START_OFFSET_FOLLOWING) != 0) return Frame::Bound::kOffsetFollowing;
  if ((options & FRAMEOPTION_START_CURRENT_ROW) != 0) return Frame::Bound::kCurrentRow;
  return Frame::Bound::kUnboundedPreceding;  // the grammar refuses UNBOUNDED FOLLOWING here
}

Frame::Bound end_bound(int options) {
  if ((options & FRAMEOPTION_END_OFFSET_PRECEDING) != 0) return Frame::Bound::kOffsetPreceding;
  if ((options & FRAMEOPTION_END_OFFSET_FOLLOWING) != 0) return Frame::Bound::kOffsetFollowing;
  if ((options & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) != 0) {
    return Frame::Bound::kUnboundedFollowing;
  }
  return Frame::Bound::kCurrentRow;
}

}  // namespace

Result<AstExprPtr> Converter::call(const FuncCall& node) {
  AstExprPtr result = make(Kind::kCall, node.location);
  result->names = strings_of(node.funcname);
  RETURN_IF_ERROR(append(node.args, result->children));
  if (node.agg_order == nullptr && node.agg_filter == nullptr && node.over == nullptr &&
      !node.agg_star && !node.agg_distinct && !node.func_variadic) {
    return result;
  }
  result->call = std::make_unique<AstCallOptions>();
  ASSIGN_OR_RETURN(result->call->order, sort_items(node.agg_order));
  if (node.agg_filter != nullptr) {
    ASSIGN_OR_RETURN(result->call->filter, expression(node.agg_filter));
  }
  result->call->within_group = node.agg_within_group;
  result->call->star = node.agg_star;
  result->call->distinct = node.agg_distinct;
  result->call->variadic = node.func_variadic;
  if (node.over != nullptr) {
    ASSIGN_OR_RETURN(AstWindow over, window(*node.over));
    result->call->over = std::make_unique<AstWindow>(std::move(over));
  }
  return result;
}

Result<AstWindow> Converter::window(const WindowDef& node) {
  AstWindow out;
  if (node.name != nullptr) out.name = node.name;
  if (node.refname != nullptr) out.reference = node.refname;
  out.position = position(node.location);
  RETURN_IF_ERROR(append(node.partitionClause, out.partition_by));
  ASSIGN_OR_RETURN(out.order_by, sort_items(node.orderClause));
  ASSIGN_OR_RETURN(out.frame, window_frame(node));
  return out;
}

Result<AstWindowFrame> Converter::window_frame(const WindowDef& node) {
  AstWindowFrame out;
  const int options = node.frameOptions;
  out.given = (options & FRAMEOPTION_NONDEFAULT) != 0;
  if ((options & FRAMEOPTION_ROWS) != 0) out.mode = Frame::Mode::kRows;
  if ((options & FRAMEOPTION_GROUPS) != 0) out.mode = Frame::Mode::kGroups;
  out.start = start_bound(options);
  out.end = end_bound(options);
  if ((options & FRAMEOPTION_EXCLUDE_CURRENT_ROW) != 0) {
    out.exclusion = Frame::Exclusion::kCurrentRow;
  } else if ((options & FRAMEOPTION_EXCLUDE_GROUP) != 0) {
    out.exclusion = Frame::Exclusion::kGroup;
  } else if ((options & FRAMEOPTION_EXCLUDE_TIES) != 0) {
    out.exclusion = Frame::Exclusion::kTies;
  }
  if (node.startOffset != nullptr) {
    ASSIGN_OR_RETURN(out.start_offset, expression(node.startOffset));
  }
  if (node.endOffset != nullptr) {
    ASSIGN_OR_RETURN(out.end_offset, expression(node.endOffset));
  }
  return out;
}

Result<AstExprPtr> Converter::value_function(const SQLValueFunction& node) {
  static constexpr const char* kNames[] = {
      "current_date",      "current_time", "current_time", "current_timestamp",
      "current_timestamp", "localtime",    "localtime",    "localtimestamp",
      "localtimestamp",    "current_role", "current_user", "user",
      "session_user",      "current_catalog", "current_schema"};
  AstExprPtr result = make(Kind::kValueFunction, node.location);
  result->names.emplace_back(kNames[node.op]);
  result->number = node.typmod;
  return result;
}

Result<AstExprPtr> Converter::indirection(const A_Indirection& node) {
  ASSIGN_OR_RETURN(AstExprPtr result, expression(node.arg));
  if (length_of(node.indirection) > kIndirectionStepsMax) return too_deep();
  int64_t subscripts = 0;
  for (int i = 0; i < length_of(node.indirection); ++i) {
    const Node* step = item(node.indirection, i);
    if (nodeTag(step) == T_A_Indices) {
      ASSIGN_OR_RETURN(result, subscript(as<A_Indices>(step), std::move(result)));
      // x[1][2] are one access, (x[1])[2] are two: the number of those before it in its access.
      result->number = subscripts++;
      continue;
    }
    subscripts = 0;
    AstExprPtr field = make(Kind::kField, -1);
    field->position = result->position;
    if (nodeTag(step) == T_A_Star) {
      field->star = true;
    } else {
      field->names.push_back(string_of(step));
    }
    field->children.push_back(std::move(result));
    result = std::move(field);
  }
  return result;
}

Result<AstExprPtr> Converter::subscript(const A_Indices& node, AstExprPtr container) {
  AstExprPtr result = make(node.is_slice ? Kind::kSlice : Kind::kSubscript, -1);
  result->position = container->position;
  result->children.push_back(std::move(container));
  const auto bound = [&](const Node* index) -> Status {
    if (index == nullptr) {
      result->children.push_back(make(Kind::kDefault, -1));
      return {};
    }
    ASSIGN_OR_RETURN(AstExprPtr converted, expression(index));
    result->children.push_back(std::move(converted));
    return {};
  };
  if (node.is_slice) RETURN_IF_ERROR(bound(node.lidx));
  RETURN_IF_ERROR(bound(node.uidx));
  return result;
}

// NOT IN (subquery) comes from the grammar as NOT of IN; IN has no operator name.
Result<AstExprPtr> Converter::sublink(const SubLink& node) {
  Kind kind = Kind::kScalarSubquery;
  switch (node.subLinkType) {
    case EXISTS_SUBLINK:
      kind = Kind::kExists;
      break;
    case ANY_SUBLINK:
      kind = Kind::kAnySubquery;
      break;
    case ALL_SUBLINK:
      kind = Kind::kAllSubquery;
      break;
    case EXPR_SUBLINK:
      break;
    case ARRAY_SUBLINK:
      kind = Kind::kArraySubquery;
      break;
    default:
      return unsupported("this subquery", node.location);
  }
  AstExprPtr result = make(kind, node.location);
  if (node.testexpr != nullptr) {
    ASSIGN_OR_RETURN(AstExprPtr left, expression(node.testexpr));
    result->children.push_back(std::move(left));
    result->names = strings_of(node.operName);
    if (result->names.empty()) result->names.emplace_back("=");
  }
  ASSIGN_OR_RETURN(result->subquery, select(as<SelectStmt>(node.subselect)));
  return result;
}

Result<std::unique_ptr<AstTypeName>> Converter::type_name(const TypeName& node) {
  auto result = std::make_unique<AstTypeName>();
  if (node.pct_type) return not_supported("%TYPE", node.location);
  result->names = strings_of(node.names);
  RETURN_IF_ERROR(append(node.typmods, result->modifiers));
  result->array_dimensions = length_of(node.arrayBounds);
  result->setof = node.setof;
  result->position = position(node.location);
  return result;
}

Result<std::vector<AstSortItem>> Converter::sort_items(const List* list) {
  std::vector<AstSortItem> items;
  for (int i = 0; i < length_of(list); ++i) {
    const auto& sort = as<SortBy>(item(list, i));
    AstSortItem converted;
    converted.position = position(sort.location);
    ASSIGN_OR_RETURN(converted.expression, expression(sort.node));
    converted.descending = sort.sortby_dir == SORTBY_DESC;
    if (sort.sortby_dir == SORTBY_USING) {
      const std::string op = string_of(item(sort.useOp, length_of(sort.useOp) - 1));
      if (op != "<" && op != ">") {
        return not_supported("ORDER BY USING " + op, sort.location);
      }
      converted.descending = op == ">";
    }
    converted.nulls = sort.sortby_nulls == SORTBY_NULLS_FIRST  ? AstSortItem::Nulls::kFirst
                      : sort.sortby_nulls == SORTBY_NULLS_LAST ? AstSortItem::Nulls::kLast
                                                               : AstSortItem::Nulls::kDefault;
    items.push_back(std::move(converted));
  }
  return items;
}

}  // namespace eventd::engine::pg
