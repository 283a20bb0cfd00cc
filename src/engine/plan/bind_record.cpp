// Rows: ROW(…), whole rows of relations, their fields and comparisons.
#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/expression_binder.h"

namespace eventd::engine {
namespace {

using AstKind = AstExpr::Kind;

constexpr Type kRecordBoolean{oid::kBool, -1};

ExprPtr record_node(Expr::Kind kind, Type type, int position) {
  auto result = std::make_unique<Expr>();
  result->kind = kind;
  result->type = type;
  result->position = position;
  return result;
}

ExprPtr connect(Expr::Kind kind, ExprPtr left, ExprPtr right, int position) {
  ExprPtr result = record_node(kind, kRecordBoolean, position);
  result->children.push_back(std::move(left));
  result->children.push_back(std::move(right));
  return result;
}

}  // namespace

Expr* row_inside(Expr& record) {
  if (record.kind == Expr::Kind::kRow) return &record;
  const bool of_relation = record.kind == Expr::Kind::kCase && !record.path.empty();
  return of_relation ? record.children[1].get() : nullptr;
}

// The fields of ROW(a, t.*, …); literals stay unknown.
Result<std::vector<ExprPtr>> ExpressionBinder::bind_row_fields(const AstExpr& ast) {
  std::vector<ExprPtr> fields;
  for (const AstExprPtr& child : ast.children) {
    const bool star = child->star && (child->kind == AstKind::kColumnRef || child->kind == AstKind::kField);
    if (!star) {
      ASSIGN_OR_RETURN(ExprPtr field, bind(*child));
      fields.push_back(std::move(field));
    } else {
      ASSIGN_OR_RETURN(auto columns, expand_row(*child));
      for (auto& [name, field] : columns) fields.push_back(std::move(field));
    }
    if (fields.size() > static_cast<size_t>(kTargetListMax)) {
      return bind_error(sqlstate::kTooManyColumns, "ROW expressions can have at most 1664 entries",
                        ast.position);
    }
  }
  return fields;
}

Result<ExprPtr> ExpressionBinder::bind_row(const AstExpr& ast) {
  ExprPtr row = record_node(Expr::Kind::kRow, {oid::kRecord, -1}, ast.position);
  ASSIGN_OR_RETURN(row->children, bind_row_fields(ast));
  for (size_t i = 0; i < row->children.size(); ++i) {
    ASSIGN_OR_RETURN(row->children[i],
                     resolve_unknown(std::move(row->children[i]), state_.parameters));
    row->path.push_back("f" + std::to_string(i + 1));
  }
  return row;
}

// t or t.* as one value.
Result<ExprPtr> ExpressionBinder::bind_whole_row(const AstExpr& ast) {
  const std::string schema = ast.names.size() > 1 ? ast.names[ast.names.size() - 2] : "";
  ExprPtr row = level_.find_row(schema, ast.names.back(), ast.position);
  if (const Expr* fields = row == nullptr ? nullptr : row_inside(*row)) {
    RETURN_IF_ERROR(state_.spend(static_cast<int64_t>(fields->children.size())));
  }
  return row;
}

Result<std::vector<std::pair<std::string, ExprPtr>>> ExpressionBinder::expand_row(
    const AstExpr& ast) {
  if (ast.kind == AstKind::kColumnRef) return level_.expand_star(ast);
  ASSIGN_OR_RETURN(ExprPtr record, bind(*ast.children[0]));
  Expr* row = row_inside(*record);
  if (row == nullptr) {
    if (record->type.id == oid::kRecord) {
      return bind_error(sqlstate::kFeatureNotSupported, "record type has not been registered", 0);
    }
    return bind_error(sqlstate::kWrongObjectType,
                      "type " + format_type(record->type) + " is not composite",
                      ast.position);
  }
  std::vector<std::pair<std::string, ExprPtr>> columns;
  for (size_t i = 0; i < row->children.size(); ++i) {
    columns.emplace_back(row->path[i], std::move(row->children[i]));
  }
  return columns;
}

// (record).name. Of a row whose fields are at hand it is the field itself.
Result<ExprPtr> ExpressionBinder::bind_field(const AstExpr& ast) {
  if (ast.star) {
    return bind_error(sqlstate::kFeatureNotSupported,
                      "row expansion via \"*\" is not supported here", ast.position);
  }
  ASSIGN_OR_RETURN(ExprPtr record, bind(*ast.children[0]));
  const std::string& name = ast.names[0];
  if (Expr* row = row_inside(*record)) {
    for (size_t i = 0; i < row->path.size(); ++i) {
      if (row->path[i] == name) return std::move(row->children[i]);
    }
    const AstExpr& source = *ast.children[0];
    if (source.kind == AstKind::kColumnRef) {
      return bind_error(sqlstate::kUndefinedColumn,
                        "column " + source.names.back() + "." + name + " does not exist",
                        ast.position);
    }
  }
  if (record->type.id == oid::kRecord) {
    return bind_error(sqlstate::kUndefinedColumn,
                      "could not identify column \"" + name + "\" in record data type",
                      ast.position);
  }
  return bind_error(sqlstate::kWrongObjectType,
                    "column notation ." + name + " applied to type " + format_type(record->type) +
                        ", which is not a composite type",
                    ast.position);
}

// Field by field, as make_row_comparison_op(). `=` and `<>` are AND and OR of the pairs; an order is
// decided by the first pair that differs: a < c OR (a = c AND (b < d OR …)).
Result<ExprPtr> ExpressionBinder::compare_fields(std::string_view name, std::vector<ExprPtr> left,
                                                 std::vector<ExprPtr> right, int position) {
  if (left.size() != right.size()) {
    return bind_error(sqlstate::kSyntaxError, "unequal number of entries in row expressions",
                      position);
  }
  if (left.empty()) {
    return bind_error(sqlstate::kFeatureNotSupported, "cannot compare rows of zero length",
                      position);
  }
  if (left.size() == 1) {
    return bind_operator(name, std::move(left[0]), std::move(right[0]), position);
  }
  const bool equality = name == "=" || name == "<>";
  if (!equality && name != "<" && name != "<=" && name != ">" && name != ">=") {
    ASSIGN_OR_RETURN(const ExprPtr pair, bind_operator(name, std::move(left[0]),
                                                       std::move(right[0]), position));
    Error error = bind_error(sqlstate::kFeatureNotSupported,
                             "could not determine interpretation of row comparison operator " +
                                 std::string(name),
                             position);
    error.hint = "Row comparison operators must be associated with btree operator families.";
    return error;
  }
  if (equality) {
    ExprPtr result = record_node(name == "=" ? Expr::Kind::kAnd : Expr::Kind::kOr, kRecordBoolean,
                                 position);
    for (size_t i = 0; i < left.size(); ++i) {
      ASSIGN_OR_RETURN(ExprPtr pair, bind_operator(name, std::move(left[i]), std::move(right[i]),
                                                   position));
      result->children.push_back(std::move(pair));
    }
    return result;
  }
  const std::string_view strict = name.substr(0, 1);
  ExprPtr result;
  for (size_t i = left.size(); i-- > 0;) {
    if (result == nullptr) {
      ASSIGN_OR_RETURN(result, bind_operator(name, std::move(left[i]), std::move(right[i]),
                                             position));
      continue;
    }
    ASSIGN_OR_RETURN(ExprPtr a, copy_of(*left[i]));
    ASSIGN_OR_RETURN(ExprPtr b, copy_of(*right[i]));
    ASSIGN_OR_RETURN(ExprPtr before, bind_operator(strict, std::move(a), std::move(b), position));
    ASSIGN_OR_RETURN(ExprPtr equal, bind_operator("=", std::move(left[i]), std::move(right[i]),
                                                  position));
    result = connect(Expr::Kind::kOr, std::move(before),
                     connect(Expr::Kind::kAnd, std::move(equal), std::move(result), position),
                     position);
  }
  return result;
}

// `left op right` of two sides as written, either of which may be a row.
Result<ExprPtr> ExpressionBinder::bind_comparison(std::string_view name, const AstExpr& left,
                                                  const AstExpr& right, int position) {
  if (left.kind == AstKind::kRow && right.kind == AstKind::kRow) {
    ASSIGN_OR_RETURN(std::vector<ExprPtr> left_fields, bind_row_fields(left));
    ASSIGN_OR_RETURN(std::vector<ExprPtr> right_fields, bind_row_fields(right));
    return compare_fields(name, std::move(left_fields), std::move(right_fields), position);
  }
  if (left.kind == AstKind::kRow && right.kind == AstKind::kScalarSubquery) {
    return bind_row_subquery(name, left, right, position);
  }
  ASSIGN_OR_RETURN(ExprPtr left_value, bind(left));
  ASSIGN_OR_RETURN(ExprPtr right_value, bind(right));
  return bind_operator(name, std::move(left_value), std::move(right_value), position);
}

// (a, b) IS DISTINCT FROM (c, d): a IS DISTINCT FROM c OR …
Result<ExprPtr> ExpressionBinder::bind_distinct_rows(const AstExpr& ast) {
  ASSIGN_OR_RETURN(std::vector<ExprPtr> left, bind_row_fields(*ast.children[0]));
  ASSIGN_OR_RETURN(std::vector<ExprPtr> right, bind_row_fields(*ast.children[1]));
  if (left.size() != right.size()) {
    return bind_error(sqlstate::kSyntaxError, "unequal number of entries in row expressions",
                      ast.position);
  }
  const bool distinct = ast.kind == AstKind::kDistinct;
  ExprPtr result = record_node(distinct ? Expr::Kind::kOr : Expr::Kind::kAnd, kRecordBoolean,
                               ast.position);
  for (size_t i = 0; i < left.size(); ++i) {
    ASSIGN_OR_RETURN(ExprPtr pair, bind_operator("=", std::move(left[i]), std::move(right[i]),
                                                 ast.position));
    pair->kind = distinct ? Expr::Kind::kIsDistinct : Expr::Kind::kIsNotDistinct;
    result->children.push_back(std::move(pair));
  }
  if (result->children.empty()) {
    return Expr::constant_of(Datum::boolean(!distinct), kRecordBoolean);
  }
  return result;
}

// row IS [NOT] NULL: all fields are; not the opposite of each other.
Result<ExprPtr> ExpressionBinder::bind_row_null_test(ExprPtr record, bool is_null, int position) {
  Expr* row = row_inside(*record);
  if (row == nullptr) {
    std::vector<ExprPtr> arguments;
    arguments.push_back(std::move(record));
    return bind_function(is_null ? "eventd_record_is_null" : "eventd_record_is_not_null",
                         std::move(arguments), position);
  }
  ExprPtr result = record_node(Expr::Kind::kAnd, kRecordBoolean, position);
  for (ExprPtr& field : row->children) {
    ExprPtr test = record_node(is_null ? Expr::Kind::kIsNull : Expr::Kind::kIsNotNull, kRecordBoolean,
                               position);
    test->children.push_back(std::move(field));
    result->children.push_back(std::move(test));
  }
  if (result->children.empty()) return Expr::constant_of(Datum::boolean(true), kRecordBoolean);
  return result;
}

}  // namespace eventd::engine
