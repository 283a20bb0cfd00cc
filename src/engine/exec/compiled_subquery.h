// One query in an expression, ready to run.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/exec/compiled_expression.h"
#include "engine/exec/kept_rows.h"
#include "engine/exec/sub_execution.h"
#include "engine/exec/subquery_set.h"

namespace eventd::engine {

/// Three-valued OR (any) or AND over comparisons.
class Verdict {
 public:
  explicit Verdict(bool any) : any_(any) {}
  void add(const Vector& results, uint32_t rows);
  bool decided() const { return decided_; }
  Datum value() const;

 private:
  const bool any_;
  bool decided_ = false, null_seen_ = false;
};

/// Thread-safe. Without arguments that its plan reads, the plan runs once, when first evaluated;
/// otherwise once for each different tuple of arguments, of which the last ones are remembered.
class CompiledSubquery {
 public:
  static Result<std::shared_ptr<CompiledSubquery>> compile(const Expr& expr, InnerContext inner);
  ~CompiledSubquery();

  /// One value a row; `arguments` are the expression's children.
  Status evaluate(const std::vector<Vector>& arguments, uint32_t rows, Vector& out);
  bool is_correlated() const { return correlated_; }
  /// REQUIRES: correlated.
  const PlanNode& plan() const { return *plan_; }
  /// Not correlated: the run that is to come. Null after it.
  const SubExecution* run() const { return run_.get(); }
  /// Correlated: what a run is made of, for EXPLAIN; null if that can't be told.
  std::shared_ptr<const PhysicalNode> describe() const;

 private:
  using Kind = Subquery::Kind;
  CompiledSubquery(const Expr& expr, InnerContext inner);
  bool is_quantified() const { return kind_ == Kind::kAny || kind_ == Kind::kAll; }
  Status compile_comparison(const Expr& comparison);
  /// Not correlated: runs the plan if nobody has.
  Status run_once();
  Status materialize();
  /// The result for one tuple of arguments.
  Result<Datum> value_of(const std::vector<Vector>& arguments, uint32_t row);
  Result<Datum> run_for(std::span<const Datum> arguments);
  Result<Datum> read(SubExecution& run, std::span<const Datum> arguments);
  Result<Datum> read_array(SubExecution& run);
  Status evaluate_by_tuple(const std::vector<Vector>& arguments, uint32_t rows, Vector& out);
  Status evaluate_set(const std::vector<Vector>& arguments, uint32_t rows, Vector& out);
  Status compare(const Batch& rows, std::span<const Datum> arguments, Verdict& verdict) const;
  Result<Datum> compare_all(const KeptRows& rows, std::span<const Datum> arguments) const;

  const Kind kind_;
  const Oid type_;
  const InnerContext inner_;
  PlanPtr plan_;  // not correlated: handed to the one run
  const std::vector<Oid> column_types_;
  bool correlated_ = false;
  bool volatile_ = false;
  // kAny, kAll: the comparison over the plan's columns ++ the arguments.
  ExprPtr comparison_expr_;
  ExpressionPtr comparison_;

  std::mutex mutex_;
  // Guarded by mutex_ until done_, immutable after it.
  std::unique_ptr<SubExecution> run_;
  bool done_ = false;
  Status status_;
  Datum value_;
  std::unique_ptr<KeptRows> rows_;  // kAny, kAll
  std::unique_ptr<SubquerySet> set_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Datum> known_;
  size_t known_bytes_ = 0;
  MemoryGrant known_grant_;
};

/// Row `row` of the vectors as bytes: equal bytes are equal values.
void append_tuple_key(const std::vector<Vector>& vectors, uint32_t row, std::string& key);

}  // namespace eventd::engine
