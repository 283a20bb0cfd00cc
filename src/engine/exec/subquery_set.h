// The rows of `x IN (subquery)` as a hash set.
#pragma once

#include <memory>
#include <vector>

#include "engine/exec/batch_source.h"
#include "engine/exec/compiled_expression.h"
#include "engine/exec/join_keys.h"
#include "engine/exec/join_table.h"
#include "engine/exec/kept_rows.h"

namespace eventd::engine {

/// What `comparison` (equalities ANDed) is true for. Immutable: any number of threads may probe.
class SubquerySet {
 public:
  /// `comparison` is over the rows' `columns` columns ++ the arguments. Null when it isn't made of
  /// equalities that can be hashed. 53200, 57014.
  static Result<std::unique_ptr<SubquerySet>> build(const Expr& comparison, const KeptRows& rows, int columns,
                                                    const OperatorContext& context);
  /// Sets out[i] (Flat, bool) for each row of the arguments: true, false or NULL. `open` gets the
  /// rows that only a comparison with all rows can decide: NULLs among several columns.
  Status probe(const std::vector<Vector>& arguments, uint32_t rows, Vector& out, std::vector<uint32_t>& open) const;

 private:
  explicit SubquerySet(const OperatorContext& context) : context_(context), grant_(context.memory) {}
  Status fill(const KeptRows& rows);

  const OperatorContext context_;
  JoinCondition condition_;
  JoinTableLayout layout_;
  std::vector<std::shared_ptr<const CompiledExpression>> row_keys_, argument_keys_;
  std::unique_ptr<JoinTable> table_;
  bool has_rows_ = false, has_nulls_ = false;
  MemoryGrant grant_;
};

}  // namespace eventd::engine
