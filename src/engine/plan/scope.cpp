#include "engine/plan/scope.h"

#include <span>

namespace eventd::engine {
namespace {

Error scope_error(SqlState code, std::string message, int position) {
  return {code, std::move(message), {}, {}, {}, position};
}

// The only column of that name; end() of nothing: -1 none, 42702 several.
Result<int> only_column(std::span<const Scope::Column> columns, const std::string& name,
                        int position) {
  int found = -1;
  for (const Scope::Column& column : columns) {
    if (column.name != name) continue;
    if (found >= 0) {
      return scope_error(sqlstate::kAmbiguousColumn, "column reference \"" + name + "\" is ambiguous",
                      position);
    }
    found = static_cast<int>(column.index);
  }
  return found;
}

std::vector<Scope::Column> starred(const std::vector<Scope::Column>& columns) {
  std::vector<Scope::Column> result;
  for (const Scope::Column& column : columns) {
    if (column.starred) result.push_back(column);
  }
  return result;
}

}  // namespace

void Scope::add_relation(std::string name, std::string schema,
                         const std::vector<OutputColumn>& columns) {
  Relation relation{std::move(name), std::move(schema), {}, 0, {}, {}, false};
  for (const OutputColumn& column : columns) {
    relation.columns.push_back({column.name, columns_.size()});
    unqualified_.push_back(relation.columns.back());
    columns_.push_back(column);
  }
  relations_.push_back(std::move(relation));
}

void Scope::leave_out_of_star(size_t count) {
  std::vector<Column>& columns = relations_.back().columns;
  for (size_t i = 0; i < count; ++i) {
    columns[columns.size() - 1 - i].starred = false;
    unqualified_[unqualified_.size() - 1 - i].starred = false;
  }
}

Status Scope::check_new_name(const Relation& relation) const {
  for (const Relation& other : relations_) {
    if (other.name != relation.name) continue;
    // Relations of one name in different schemas may stand side by side.
    if (other.relation_oid != 0 && relation.relation_oid != 0 &&
        other.relation_oid != relation.relation_oid) {
      continue;
    }
    return {sqlstate::kDuplicateAlias,
            "table name \"" + relation.name + "\" specified more than once"};
  }
  return {};
}

Status Scope::append(const Scope& right) {
  for (const Relation& relation : right.relations_) RETURN_IF_ERROR(check_new_name(relation));
  const size_t shift = columns_.size();
  const auto shifted = [shift](std::vector<Column> columns) {
    for (Column& column : columns) column.index += shift;
    return columns;
  };
  for (const Relation& relation : right.relations_) {
    relations_.push_back(relation);
    relations_.back().columns = shifted(relation.columns);
    if (relation.presence) relations_.back().presence = *relation.presence + shift;
  }
  for (const Column& column : right.unqualified_) {
    unqualified_.push_back({column.name, column.index + shift, column.starred});
  }
  columns_.insert(columns_.end(), right.columns_.begin(), right.columns_.end());
  hidden_.insert(hidden_.end(), right.hidden_.begin(), right.hidden_.end());
  return {};
}

Status Scope::add_alias(std::string name, std::vector<Column> columns) {
  Relation relation{std::move(name), {}, {}, 0, std::move(columns), {}, true};
  RETURN_IF_ERROR(check_new_name(relation));
  relations_.push_back(std::move(relation));
  return {};
}

Status Scope::hide_behind(const std::string& name, const std::vector<std::string>& column_names) {
  if (column_names.size() > unqualified_.size()) {
    return {sqlstate::kInvalidColumnReference,
            "join expression \"" + name + "\" has " + std::to_string(unqualified_.size()) +
                " columns available but " + std::to_string(column_names.size()) +
                " columns specified"};
  }
  for (size_t i = 0; i < column_names.size(); ++i) unqualified_[i].name = column_names[i];
  for (const Relation& relation : relations_) hidden_.push_back(relation.name);
  relations_.clear();
  relations_.push_back({name, {}, {}, 0, unqualified_, {}, true});
  return {};
}

const Scope::Relation* Scope::find_relation(std::string_view schema, std::string_view name) const {
  for (const Relation& relation : relations_) {
    if (relation.name == name && (schema.empty() || relation.schema == schema)) return &relation;
  }
  return nullptr;
}

int Scope::find_unqualified(std::string_view name) const {
  for (const Column& column : unqualified_) {
    if (column.name == name) return static_cast<int>(column.index);
  }
  return -1;
}

// The relation of [catalog.][schema.]name.
Result<const Scope::Relation*> Scope::relation_of(const std::vector<std::string>& qualifier,
                                                  int position) const {
  const std::string& name = qualifier.back();
  const std::string_view schema =
      qualifier.size() > 1 ? qualifier[qualifier.size() - 2] : std::string_view();
  const Relation* relation = find_relation(schema, name);
  if (relation != nullptr) {
    for (const Relation& other : relations_) {
      if (&other != relation && other.name == name && schema.empty()) {
        return scope_error(sqlstate::kAmbiguousAlias,
                        "table reference \"" + name + "\" is ambiguous", position);
      }
    }
    return relation;
  }
  for (const Relation& hidden : relations_) {
    if (hidden.real_name != name) continue;
    Error error = scope_error(sqlstate::kUndefinedTable,
                           "invalid reference to FROM-clause entry for table \"" + name + "\"",
                           position);
    error.hint = "Perhaps you meant to reference the table alias \"" + hidden.name + "\".";
    return error;
  }
  for (const std::string& hidden : hidden_) {
    if (hidden != name) continue;
    Error error = scope_error(sqlstate::kUndefinedTable,
                           "invalid reference to FROM-clause entry for table \"" + name + "\"",
                           position);
    error.hint = "There is an entry for table \"" + name +
                 "\", but it cannot be referenced from this part of the query.";
    return error;
  }
  return scope_error(sqlstate::kUndefinedTable,
                  "missing FROM-clause entry for table \"" + name + "\"", position);
}

Result<size_t> Scope::find(const AstExpr& reference) const {
  const std::vector<std::string>& names = reference.names;
  const std::string& column = names.back();
  if (names.size() > 3) {
    return scope_error(sqlstate::kFeatureNotSupported,
                    "cross-database references are not implemented", reference.position);
  }
  if (names.size() > 1) {
    ASSIGN_OR_RETURN(const Relation* relation,
                     relation_of({names.begin(), names.end() - 1}, reference.position));
    ASSIGN_OR_RETURN(const int found,
                     only_column(relation->columns, column, reference.position));
    if (found >= 0) return static_cast<size_t>(found);
    return scope_error(sqlstate::kUndefinedColumn,
                    "column " + names[names.size() - 2] + "." + column + " does not exist",
                    reference.position);
  }
  ASSIGN_OR_RETURN(const int found, only_column(unqualified_, column, reference.position));
  if (found >= 0) return static_cast<size_t>(found);
  // It may be the name of a relation: a whole row, which ExpressionBinder::bind_column() looks for.
  return scope_error(sqlstate::kUndefinedColumn, "column \"" + column + "\" does not exist",
                  reference.position);
}

Result<std::vector<Scope::Column>> Scope::expand_star(const AstExpr& reference) const {
  if (!reference.names.empty()) {
    ASSIGN_OR_RETURN(const Relation* relation,
                     relation_of(reference.names, reference.position));
    return starred(relation->columns);
  }
  if (relations_.empty()) {
    return scope_error(sqlstate::kSyntaxError, "SELECT * with no tables specified is not valid",
                    reference.position);
  }
  return starred(unqualified_);
}

std::string Scope::qualified_name(size_t column) const {
  for (const Relation& relation : relations_) {
    for (const Column& candidate : relation.columns) {
      if (candidate.index == column) return relation.name + "." + candidate.name;
    }
    if (relation.presence == column) return relation.name + ".*";
  }
  return columns_[column].name;
}

}  // namespace eventd::engine
