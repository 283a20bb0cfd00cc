// Fields and values of EQL as bound expressions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/eql_ast.h"
#include "engine/plan/expression_binder.h"
#include "engine/plan/query_planner.h"
#include "engine/scan/relation.h"
#include "result.h"

namespace eventd::engine {

/// Resolves names against the columns of one relation with a `payload` column. Borrows everything.
class EqlFields {
 public:
  /// `pattern`: of the event types the query is about; `resolver` knows what fields those have.
  EqlFields(const Relation& relation, const RelationResolver& resolver,
            const std::optional<std::string>& pattern, BindState& state, QueryLevel& level)
      : relation_(relation), resolver_(resolver), pattern_(pattern), state_(state),
        binder_(state, level, "EQL") {}

  /// A column, or a payload path as jsonb.
  ExprPtr bind(const EqlField& field) const;
  /// The same with a payload path as text (#>>).
  ExprPtr bind_as_text(const EqlField& field) const;
  /// What SELECT and grouping show: a payload path by the type the field catalog has for it (mixed
  /// and unknown ones: text).
  Result<ExprPtr> bind_typed(const EqlField& field) const;
  /// That type; text for unknown fields. REQUIRES: is_payload_path(field).
  Oid payload_type(const EqlField& field) const;
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

  /// BindState::spend().
  Status spend(int64_t nodes) { return state_.spend(nodes); }
  ExpressionBinder& binder() { return binder_; }
  const Relation& relation() const { return relation_; }

 private:
  std::vector<std::string> payload_path(const EqlField& field) const;

  const Relation& relation_;
  const RelationResolver& resolver_;
  const std::optional<std::string>& pattern_;
  BindState& state_;
  ExpressionBinder binder_;
};

}  // namespace eventd::engine
