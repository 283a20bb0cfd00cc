// Bound, typed expressions over the columns of one input. What the binder makes and the evaluator
// runs; SQL and EQL meet here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/functions/function.h"
#include "engine/types/type.h"
#include "engine/vector/datum.h"

namespace eventd::engine {

struct Expr;
struct PlanNode;
struct Subquery;
using ExprPtr = std::unique_ptr<Expr>;

/// One node. A tagged struct rather than a class tree: rules match and rewrite it freely.
struct Expr {
  enum class Kind : uint8_t {
    kColumn,     ///< column `index` of the input
    kConstant,   ///< `constant`
    kParameter,  ///< $`index`+1 of the prepared statement; replaced by a constant at Bind
    kCall,       ///< `function`(children…); operators and function casts too
    kRelabel,    ///< children[0] under `type`, same bytes
    kAnd, kOr,   ///< n-ary, flattened; three-valued
    kNot,
    kIsNull, kIsNotNull,
    kIsTrue, kIsNotTrue, kIsFalse, kIsNotFalse, kIsUnknown, kIsNotUnknown,
    kIsDistinct, kIsNotDistinct,
    kCase,       ///< [when, then]…, else: an odd number of children; evaluated lazily by row
    kCoalesce,
    kNullIf,     ///< children[0], children[1], with `function` their equality
    kGreatest, kLeast,
    kInList,     ///< children[0] IN constants/expressions children[1…]; `function` the equality
    kAnyArray,   ///< children[0] op ANY (array children[1]); `function` the operator's function
    kAllArray,
    kArray,      ///< ARRAY[children…], type is the array type
    kOuter,      ///< argument `index` of the subquery or Apply this expression stands in
    kSubquery,   ///< `subquery` with the arguments children…, over this expression's own input
    kRow,        ///< ROW(children…), type record
    kField,      ///< field `index` of the record children[0]
    kPayloadPath,///< children[0] (jsonb) #>> / #> `path` with constant keys; text if `path_as_text`
  };

  Kind kind = Kind::kConstant;
  Type type;
  int index = 0;
  int position = 0;  ///< 1-based character position in the statement's text, 0 = none
  bool path_as_text = false;
  const ScalarFunction* function = nullptr;
  Datum constant;
  std::vector<ExprPtr> children;
  std::vector<std::string> path;
  std::unique_ptr<Subquery> subquery;

  Expr();
  ~Expr();

  static ExprPtr column(int index, Type type);
  static ExprPtr outer(int index, Type type);
  static ExprPtr constant_of(Datum value, Type type);
  static ExprPtr call(const ScalarFunction* function, Type type, std::vector<ExprPtr> children);
  ExprPtr clone() const;
  /// Same tree, positions ignored. For GROUP BY matching and common subexpressions.
  bool equals(const Expr& other) const;
  uint64_t hash() const;
  /// Highest volatility in the tree.
  Volatility volatility() const;
  /// No column, parameter, outer argument or subquery below, and not volatile.
  bool is_foldable() const;
};

/// A query inside an expression. Everything it takes from outside comes through its arguments: the
/// children of the kSubquery expression, in which kOuter `i` inside `plan` and `comparison` stands
/// for children[i]. So rules that move an expression need not look into the plan, and a subquery
/// without children is one that gives the same for every row.
struct Subquery {
  enum class Kind : uint8_t {
    kScalar,  ///< the one column of the one row; no row: NULL; several: 21000
    kExists,
    kArray,   ///< the one column of all rows, in their order
    kAny,     ///< `comparison` is true for some row (three-valued OR over the rows)
    kAll,     ///< … for every row
  };
  Kind kind = Kind::kScalar;
  std::unique_ptr<PlanNode> plan;
  /// kAny, kAll: bool, over kColumn of `plan`'s columns and kOuter (the left side).
  ExprPtr comparison;

  Subquery();
  ~Subquery();
  std::unique_ptr<Subquery> clone() const;
};

}  // namespace eventd::engine
