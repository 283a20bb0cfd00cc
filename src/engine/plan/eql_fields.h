// Fields and values of EQL as bound expressions.
#pragma once

#include <string_view>

#include "engine/plan/eql_ast.h"
#include "engine/plan/expression_binder.h"
#include "engine/scan/relation.h"
#include "result.h"

namespace eventd::engine {

/// Resolves names against the columns of one relation with a `payload` column. Borrows everything.
class EqlFields {
 public:
  EqlFields(const Relation& relation, BindState& state, QueryLevel& level)
      : relation_(relation), state_(state), binder_(state, level, "EQL") {}

  /// A column, or a payload path as jsonb.
  ExprPtr bind(const EqlField& field) const;
  /// The same with a payload path as text (#>>): what SELECT and grouping show.
  ExprPtr bind_as_text(const EqlField& field) const;
  bool is_payload_path(const EqlField& field) const { return column_of(field) < 0; }
  /// Index of the column the field names, or -1.
  int column_of(const EqlField& field) const;

  /// A literal as timestamptz: times relative to now() stay expressions until the query runs.
  Result<ExprPtr> bind_time(const EqlLiteral& literal);
  /// A number of rows as int8.
  Result<ExprPtr> bind_count(const EqlLiteral& literal);
  Result<ExprPtr> bind_parameter(const EqlLiteral& literal, Oid type);
  /// An entry of functions/eql_functions.cpp applied to two expressions.
  Result<ExprPtr> call(std::string_view name, ExprPtr left, ExprPtr right) const;

  ExpressionBinder& binder() { return binder_; }
  const Relation& relation() const { return relation_; }

 private:
  const Relation& relation_;
  BindState& state_;
  ExpressionBinder binder_;
};

}  // namespace eventd::engine
