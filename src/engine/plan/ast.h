// The syntax tree of SQL queries: what PostgreSQL's grammar read, before any name is resolved.
// Made by pg_convert_*.cpp, read by the binder. Immutable after conversion; no threads involved.
// Nesting is at most kExpressionDepthMax (the converter refuses more with 54001), so that every
// reader may recurse.
//
// `position` is everywhere the 1-based CHARACTER position in the statement's text, 0 = none: what
// an ErrorResponse carries.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace eventd::engine {

struct AstExpr;
struct SelectAst;
using AstExprPtr = std::unique_ptr<AstExpr>;
using SelectAstPtr = std::unique_ptr<SelectAst>;

/// A type as written: `numeric(10,2)[]`.
struct AstTypeName {
  std::vector<std::string> names;    ///< schema and name; SQL spellings come as pg_catalog.int4 …
  std::vector<AstExprPtr> modifiers; ///< as written in parentheses
  int array_dimensions = 0;
  int32_t interval_fields = 0;       ///< unused unless modifiers say so
  bool setof = false;
  int position = 0;
};

/// One ORDER BY item.
struct AstSortItem {
  AstExprPtr expression;
  bool descending = false;
  enum class Nulls : uint8_t { kDefault, kFirst, kLast } nulls = Nulls::kDefault;
  int position = 0;
};

/// What a function call may carry besides its arguments.
struct AstCallOptions {
  std::vector<AstSortItem> order;
  AstExprPtr filter;
  bool within_group = false;
  bool star = false;
  bool distinct = false;
  bool variadic = false;
  bool over = false;  ///< has an OVER clause
};

/// One expression node.
struct AstExpr {
  enum class Kind : uint8_t {
    kColumnRef,    ///< `names`; `star` for x.* and *
    kParameter,    ///< $`number`
    kNull,
    kBoolean,      ///< `number` 0 or 1
    kInteger,      ///< `number` (fits int4)
    kNumber,       ///< `text`: a decimal literal, or an integer beyond int4
    kString,       ///< `text`: of unknown type
    kDefault,      ///< DEFAULT in VALUES
    kOperator,     ///< `names`(children): one child = prefix
    kOperatorAny,  ///< children[0] op ANY (children[1])
    kOperatorAll,
    kDistinct, kNotDistinct,
    kNullIf,
    kIn, kNotIn,   ///< children[0] in children[1…]
    kBetween, kNotBetween, kBetweenSymmetric, kNotBetweenSymmetric,  ///< value, low, high
    kAnd, kOr,     ///< flattened
    kNot,
    kIsNull, kIsNotNull,
    kIsTrue, kIsNotTrue, kIsFalse, kIsNotFalse, kIsUnknown, kIsNotUnknown,
    kCase,         ///< [argument if `has_argument`], [when, then]…, [else if `has_else`]
    kCoalesce, kGreatest, kLeast,
    kCast,         ///< children[0] to `type`
    kCall,         ///< `names`(children), `call`
    kValueFunction,///< `names[0]`: current_timestamp …; `number` the precision or -1
    kArray,        ///< ARRAY[children]
    kSubscript,    ///< children[0][children[1]]
    kUnsupported,  ///< `text` names a construct the binder refuses (0A000) at `position`
  };

  Kind kind = Kind::kNull;
  bool star = false;
  bool has_argument = false, has_else = false;
  int position = 0;
  int64_t number = 0;
  std::string text;
  std::vector<std::string> names;
  std::vector<AstExprPtr> children;
  std::unique_ptr<AstTypeName> type;
  std::unique_ptr<AstCallOptions> call;  ///< null for a plain call
};

/// `expression [AS name]` of a target list.
struct AstTarget {
  AstExprPtr expression;
  std::string name;  ///< empty = none given
  int position = 0;
};

/// One item of FROM.
struct AstFromItem {
  enum class Kind : uint8_t { kRelation, kSubquery, kFunction, kUnsupported } kind = Kind::kRelation;
  std::string schema, name;  ///< kRelation; kUnsupported: `name` says what
  SelectAstPtr subquery;
  AstExprPtr function;       ///< a kCall
  bool ordinality = false;
  std::string alias;         ///< empty = none
  std::vector<std::string> column_aliases;
  int position = 0;
};

/// SELECT, VALUES, TABLE or a UNION ALL of them.
struct SelectAst {
  std::vector<AstTarget> targets;
  std::vector<AstFromItem> from;
  AstExprPtr where;
  std::vector<AstExprPtr> group_by;
  AstExprPtr having;
  bool distinct = false;
  std::vector<std::vector<AstExprPtr>> values;  ///< a VALUES list; `targets` is empty then
  std::vector<SelectAstPtr> union_all;          ///< the arms; nothing but order and limit beside
  std::vector<AstSortItem> order_by;
  AstExprPtr limit, offset;
  bool with_ties = false;
  /// A clause the binder refuses (0A000), e.g. "WITH"; empty = none.
  std::string unsupported;
  int unsupported_position = 0;
};

}  // namespace eventd::engine
