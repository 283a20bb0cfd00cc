// The columns an expression may name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// The relations of one FROM clause, side by side: column i of the scope is column i of the plan
/// below. Built once by the FROM binder, then read. One thread.
class Scope {
 public:
  struct Relation {
    std::string name;    ///< alias, or the relation's name
    std::string schema;  ///< empty when an alias was given
    size_t first = 0, count = 0;
  };

  void add_relation(std::string name, std::string schema, const std::vector<OutputColumn>& columns);

  const std::vector<OutputColumn>& columns() const { return columns_; }
  const std::vector<Relation>& relations() const { return relations_; }

  /// Index of the column a reference means. 42703, 42702, 42P01 with PostgreSQL's words.
  Result<size_t> find(const AstExpr& reference) const;
  /// Index of an unqualified column, or -1. For GROUP BY, which prefers columns to aliases.
  int find_unqualified(std::string_view name) const;
  /// The columns of `*` or `name.*`: first and count pairs as indexes.
  Result<std::vector<size_t>> expand_star(const AstExpr& reference) const;
  /// "events.timestamp", for messages.
  std::string qualified_name(size_t column) const;

 private:
  const Relation* find_relation(std::string_view schema, std::string_view name) const;

  std::vector<OutputColumn> columns_;
  std::vector<Relation> relations_;
};

}  // namespace eventd::engine
