#include "engine/plan/scope.h"

namespace eventd::engine {
namespace {

Error error_at(SqlState code, std::string message, int position) {
  return {code, std::move(message), {}, {}, {}, position};
}

}  // namespace

void Scope::add_relation(std::string name, std::string schema,
                         const std::vector<OutputColumn>& columns) {
  relations_.push_back({std::move(name), std::move(schema), columns_.size(), columns.size()});
  columns_.insert(columns_.end(), columns.begin(), columns.end());
}

const Scope::Relation* Scope::find_relation(std::string_view schema, std::string_view name) const {
  for (const Relation& relation : relations_) {
    if (relation.name == name && (schema.empty() || relation.schema == schema)) return &relation;
  }
  return nullptr;
}

int Scope::find_unqualified(std::string_view name) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

Result<size_t> Scope::find(const AstExpr& reference) const {
  const std::vector<std::string>& names = reference.names;
  const std::string& column = names.back();
  size_t first = 0, end = columns_.size();
  if (names.size() > 3) {
    return error_at(sqlstate::kFeatureNotSupported,
                    "cross-database references are not implemented", reference.position);
  }
  if (names.size() > 1) {
    const std::string& name = names[names.size() - 2];
    const Relation* relation = find_relation(names.size() == 3 ? names[0] : "", name);
    if (relation == nullptr) {
      return error_at(sqlstate::kUndefinedTable,
                      "missing FROM-clause entry for table \"" + name + "\"", reference.position);
    }
    first = relation->first;
    end = first + relation->count;
  }
  int found = -1;
  for (size_t i = first; i < end; ++i) {
    if (columns_[i].name != column) continue;
    if (found >= 0) {
      return error_at(sqlstate::kAmbiguousColumn,
                      "column reference \"" + column + "\" is ambiguous", reference.position);
    }
    found = static_cast<int>(i);
  }
  if (found >= 0) return static_cast<size_t>(found);
  if (names.size() > 1) {
    return error_at(sqlstate::kUndefinedColumn,
                    "column " + names[names.size() - 2] + "." + column + " does not exist",
                    reference.position);
  }
  if (find_relation("", column) != nullptr) {
    return error_at(sqlstate::kFeatureNotSupported, "a whole-row reference is not supported yet",
                    reference.position);
  }
  return error_at(sqlstate::kUndefinedColumn, "column \"" + column + "\" does not exist",
                  reference.position);
}

Result<std::vector<size_t>> Scope::expand_star(const AstExpr& reference) const {
  size_t first = 0, end = columns_.size();
  if (!reference.names.empty()) {
    const std::string& name = reference.names.back();
    const Relation* relation =
        find_relation(reference.names.size() > 1 ? reference.names[reference.names.size() - 2] : "",
                      name);
    if (relation == nullptr) {
      return error_at(sqlstate::kUndefinedTable,
                      "missing FROM-clause entry for table \"" + name + "\"", reference.position);
    }
    first = relation->first;
    end = first + relation->count;
  } else if (relations_.empty()) {
    return error_at(sqlstate::kSyntaxError, "SELECT * with no tables specified is not valid",
                    reference.position);
  }
  std::vector<size_t> columns;
  for (size_t i = first; i < end; ++i) columns.push_back(i);
  return columns;
}

std::string Scope::qualified_name(size_t column) const {
  for (const Relation& relation : relations_) {
    if (column >= relation.first && column < relation.first + relation.count) {
      return relation.name + "." + columns_[column].name;
    }
  }
  return columns_[column].name;
}

}  // namespace eventd::engine
