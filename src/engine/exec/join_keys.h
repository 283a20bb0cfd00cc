// A join's condition, taken apart: what can be hashed and what must be tested.
#pragma once

#include <vector>

#include "engine/plan/logical_plan.h"

namespace eventd::engine {

/// `left = right` of a join, both of one type whose equality is that of hash tables.
struct JoinKey {
  ExprPtr left;   ///< over the left input's columns
  ExprPtr right;  ///< over the right input's columns, renumbered from 0
  bool nulls_equal = false;  ///< IS NOT DISTINCT FROM: NULL meets NULL
};

struct JoinCondition {
  std::vector<JoinKey> keys;
  ExprPtr residual;  ///< over left ++ right; null = none
};

/// `condition` (may be null) over left ++ right, the left `left_columns` wide. Terms with volatile
/// functions or subqueries are never keys. Equalities across types become keys where a widening
/// cast makes both sides one type (int4 = int8, date = timestamptz).
JoinCondition split_join_condition(const Expr* condition, int left_columns);

/// Whether `function` is the `=` of `left` and `right`.
bool is_equality(const ScalarFunction* function, Oid left, Oid right);
/// The type as which values of two types can be compared by hash; 0 when there is none.
Oid hash_type_of(Oid left, Oid right);
/// `expression` as a value of `type` (from hash_type_of).
ExprPtr as_hash_type(ExprPtr expression, Oid type);

}  // namespace eventd::engine
