// The columns an expression may name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/logical_plan.h"
#include "result.h"

namespace eventd::engine {

/// The relations of one FROM clause, side by side: column i of the scope is column i of the plan
/// below. Two lists say what may be named: the relations, for `t.x`, and the columns that need no
/// qualifier, which are also those of `*`: USING merges some, an alias of a join renames them. Built
/// by the FROM binder, then read. One thread.
class Scope {
 public:
  /// A name and the plan column it stands for.
  struct Column {
    std::string name;
    size_t index = 0;
    bool starred = true;  ///< one of those `*` means
  };
  struct Relation {
    std::string name;       ///< alias, or the relation's name
    std::string schema;     ///< empty when an alias was given
    std::string real_name;  ///< of the relation an alias hides; empty = none
    Oid relation_oid = 0;   ///< of a relation without alias, else 0
    std::vector<Column> columns;
    /// A bool column of the plan that is NULL where an outer join made the row up; absent: none does.
    std::optional<size_t> presence;
    bool joined = false;  ///< the name of a join: its row is one even where all of it is made up
    bool scalar = false;  ///< of a function with one plain value: its row is that value
  };

  /// A relation whose columns are the next ones of the plan.
  void add_relation(std::string name, std::string schema, const std::vector<OutputColumn>& columns);
  /// `*` leaves out the last `count` columns of the last relation (of SEARCH and CYCLE).
  void leave_out_of_star(size_t count);
  /// The next column of the plan; nothing names it yet.
  void add_column(OutputColumn column) { columns_.push_back(std::move(column)); }
  /// Another scope's columns, after those here. 42712 when both have a relation of one name.
  Status append(const Scope& right);
  /// What `*` and bare names mean from here on (a join's result).
  void set_unqualified(std::vector<Column> columns) { unqualified_ = std::move(columns); }
  /// A name for some columns more, `x.y` only: JOIN … USING (…) AS x. 42712.
  Status add_alias(std::string name, std::vector<Column> columns);
  /// (…) AS name (columns): all relations are hidden behind the one name.
  Status hide_behind(const std::string& name, const std::vector<std::string>& column_names);

  const std::vector<OutputColumn>& columns() const { return columns_; }
  const std::vector<Relation>& relations() const { return relations_; }
  std::vector<Relation>& relations() { return relations_; }
  const std::vector<Column>& unqualified() const { return unqualified_; }

  /// Index of the column a reference means. 42703, 42702, 42P01, 42P09 with PostgreSQL's words.
  Result<size_t> find(const AstExpr& reference) const;
  /// Index of an unqualified column, or -1. For GROUP BY, which prefers columns to aliases.
  int find_unqualified(std::string_view name) const;
  /// The columns of `*` or `name.*`.
  Result<std::vector<Column>> expand_star(const AstExpr& reference) const;
  /// The relation of that name, or null.
  const Relation* find_relation(std::string_view schema, std::string_view name) const;
  /// "events.timestamp", for messages.
  std::string qualified_name(size_t column) const;

 private:
  Status check_new_name(const Relation& relation) const;
  Result<const Relation*> relation_of(const std::vector<std::string>& qualifier,
                                      int position) const;

  std::vector<OutputColumn> columns_;
  std::vector<Relation> relations_;
  std::vector<Column> unqualified_;
  std::vector<std::string> hidden_;  ///< names behind the alias of a join
};

}  // namespace eventd::engine
