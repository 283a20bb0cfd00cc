// The order ORDER BY asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/plan/logical_plan.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// A list of sort keys, compiled. Immutable, shared by threads.
class SortOrder {
 public:
  /// The keys' expressions must outlive the result.
  static Result<std::shared_ptr<const SortOrder>> compile(const std::vector<SortKey>& keys,
                                                          const EvalContext& context);

  /// The key columns of a batch.
  Result<std::vector<Vector>> keys(const Batch& batch, const EvalContext& context) const;
  /// The columns a sorted row is written to disk with: its own, then `keys` that are not simply one
  /// of them (evaluating those again might give something else).
  void add_spilled_keys(const std::vector<Vector>& keys, Batch& batch) const;
  /// The key columns of a batch so written.
  Result<std::vector<Vector>> spilled_keys(const Batch& batch, const EvalContext& context) const;
  /// How many columns add_spilled_keys() adds.
  size_t spilled_key_count() const;
  /// <0, 0, >0: row `i` of keys `a` against row `j` of keys `b`.
  int compare(const std::vector<Vector>& a, uint32_t i, const std::vector<Vector>& b,
              uint32_t j) const;

  /// The leading key of a row as a number: a row with the smaller one (by class, then prefix)
  /// comes first; equal ones are decided by compare().
  struct Leading {
    uint64_t prefix;
    uint32_t rank;  ///< 0 NULLs first, 1 values, 2 EQL's NaN, 3 NULLs last
  };
  /// For every row of the leading key column.
  void leading(const Vector& key, Leading* out) const;
  /// Whether equal Leadings are equal rows (one key of a fixed-size type).
  bool leading_is_complete() const { return leading_is_complete_; }
  size_t size() const { return keys_.size(); }

  /// How one key is asked for.
  struct KeyOrder {
    Oid type;
    bool descending, nulls_first;
    bool eql_order;  ///< more classes than NULLs and values
  };
  KeyOrder key_order(size_t key) const {
    return {keys_[key].type, keys_[key].descending, keys_[key].nulls_first, keys_[key].eql_order};
  }
  /// <0, 0, >0: two values of one key by themselves, NULLs and direction included.
  int compare_one(size_t key, const Vector& a, uint32_t i, const Vector& b, uint32_t j) const;

 private:
  enum class Compare : uint8_t { kInt64, kBytes, kGeneric };
  struct Key {
    std::shared_ptr<const CompiledExpression> expression;
    Oid type;
    Compare compare;
    bool descending, nulls_first, eql_order;
  };
  bool is_column(const Key& key) const { return key.expression->expr().kind == Expr::Kind::kColumn; }
  /// Of two values.
  static int compare_key(const Key& key, const Vector& a, uint32_t i, const Vector& b, uint32_t j);
  uint32_t rank(const Key& key, const Vector& vector, uint32_t row) const;
  std::vector<Key> keys_;
  bool leading_is_complete_ = false;
};

}  // namespace eventd::engine
