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
#include <unordered_set>
#include <vector>

#include "engine/plan/join_type.h"

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

/// ROWS BETWEEN … of a window.
struct AstWindowFrame {
  enum class Mode : uint8_t { kRange, kRows, kGroups } mode = Mode::kRange;
  enum class Bound : uint8_t {
    kUnboundedPreceding, kOffsetPreceding, kCurrentRow, kOffsetFollowing, kUnboundedFollowing
  };
  Bound start = Bound::kUnboundedPreceding, end = Bound::kCurrentRow;
  enum class Exclusion : uint8_t { kNone, kCurrentRow, kGroup, kTies } exclusion = Exclusion::kNone;
  AstExprPtr start_offset, end_offset;  ///< of kOffsetPreceding and kOffsetFollowing
  bool given = false;                   ///< a frame clause was written
};

/// OVER (…), OVER name, or an item of the WINDOW clause.
struct AstWindow {
  std::string name;       ///< WINDOW name AS …; or all there is of OVER name
  std::string reference;  ///< the window it starts from: OVER (name ORDER BY …)
  std::vector<AstExprPtr> partition_by;
  std::vector<AstSortItem> order_by;
  AstWindowFrame frame;
  int position = 0;
};

/// What a function call may carry besides its arguments.
struct AstCallOptions {
  std::vector<AstSortItem> order;
  AstExprPtr filter;
  std::unique_ptr<AstWindow> over;  ///< null = no OVER clause
  bool within_group = false;
  bool star = false;
  bool distinct = false;
  bool variadic = false;
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
    kBitString,    ///< `text`: "b101" or "x1f"
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
    kSlice,        ///< children[0][children[1] : children[2]]; a missing bound is kDefault
    kField,        ///< (children[0]).`names[0]`; `star` for .*
    kRow,          ///< ROW(children) or (a, b)
    kGrouping,     ///< GROUPING(children)
    kNamedArgument,///< names[0] => children[0], in a call
    kScalarSubquery, kExists, kArraySubquery,  ///< `subquery`
    kAnySubquery, kAllSubquery,  ///< children[0] `names` ANY|ALL (`subquery`); IN is = ANY
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
  SelectAstPtr subquery;

  AstExpr();
  ~AstExpr();
};

/// Where an expression's text begins: PostgreSQL's exprLocation().
int leftmost_position(const AstExpr& ast);
/// The same text but for where it stands. Queries inside are never the same.
bool same_expression(const AstExpr& a, const AstExpr& b);
/// Windows of the same definition, their names left aside.
bool same_definition(const AstWindow& a, const AstWindow& b);

/// `expression [AS name]` of a target list.
struct AstTarget {
  AstExprPtr expression;
  std::string name;  ///< empty = none given
  int position = 0;
};

/// A column of a FROM function's definition list: AS t(a int, b text).
struct AstColumnDefinition {
  std::string name;
  std::unique_ptr<AstTypeName> type;
  int position = 0;
};

/// One item of FROM.
struct AstFromItem {
  enum class Kind : uint8_t {
    kRelation, kSubquery,
    kFunction,  ///< `functions`, one or (ROWS FROM) several
    kJoin,      ///< `left` `join` `right`
    kUnsupported
  } kind = Kind::kRelation;
  std::string catalog, schema, name;  ///< kRelation; kUnsupported: `name` says what
  SelectAstPtr subquery;
  std::vector<AstExprPtr> functions;  ///< kCall, or another expression that looks like a call
  std::vector<std::vector<AstColumnDefinition>> definitions;  ///< for each function, maybe empty
  bool ordinality = false;
  bool lateral = false;

  std::unique_ptr<AstFromItem> left, right;
  JoinType join = JoinType::kInner;   ///< CROSS JOIN is kInner without a condition
  bool natural = false;
  std::vector<std::string> using_columns;
  std::string using_alias;            ///< JOIN … USING (…) AS alias
  AstExprPtr on;

  std::string alias;         ///< empty = none
  std::vector<std::string> column_aliases;
  int position = 0;

  AstFromItem();
  ~AstFromItem();
  AstFromItem(AstFromItem&&) noexcept;
  AstFromItem& operator=(AstFromItem&&) noexcept;
};

/// An item of GROUP BY.
struct AstGroupItem {
  enum class Kind : uint8_t {
    kExpression,
    kEmpty,  ///< ()
    kList,   ///< (a, b) inside the three below: `items` are expressions, two or more
    kRollup, kCube, kSets
  } kind = Kind::kExpression;
  AstExprPtr expression;
  std::vector<AstGroupItem> items;
  int position = 0;
};

/// name [(columns)] AS [[NOT] MATERIALIZED] (query) [SEARCH …] [CYCLE …]
struct AstCte {
  std::string name;
  std::vector<std::string> columns;
  SelectAstPtr query;
  enum class Materialized : uint8_t { kDefault, kAlways, kNever } materialized = Materialized::kDefault;
  struct Search {
    bool breadth_first = false;
    std::vector<std::string> columns;
    std::string sequence_column;
    int position = 0;
  };
  struct Cycle {
    std::vector<std::string> columns;
    std::string mark_column, path_column;
    AstExprPtr mark_value, mark_default;  ///< null = true and false
    int position = 0;
  };
  std::unique_ptr<Search> search;
  std::unique_ptr<Cycle> cycle;
  int position = 0;
};

/// FOR UPDATE, NO KEY UPDATE, SHARE or KEY SHARE [OF tables].
struct AstLocking {
  struct Table {
    std::string name;
    bool qualified = false;
    int position = 0;
  };
  std::string clause;         ///< "FOR UPDATE"
  std::vector<Table> tables;  ///< empty = all
};

/// SELECT, VALUES, TABLE or a set operation of them.
struct SelectAst {
  /// What the columns written in the statement are called, without qualifiers: a relation of another
  /// name is never read as a row. Shared by all its queries; may be null: no column.
  std::shared_ptr<const std::unordered_set<std::string>> names_written;
  std::vector<AstCte> with;
  bool with_recursive = false;
  std::vector<AstTarget> targets;
  std::vector<AstFromItem> from;
  AstExprPtr where;
  std::vector<AstGroupItem> group_by;
  bool group_distinct = false;                  ///< GROUP BY DISTINCT
  AstExprPtr having;
  std::vector<AstWindow> windows;               ///< the WINDOW clause
  bool distinct = false;
  std::vector<AstExprPtr> distinct_on;          ///< with `distinct`: DISTINCT ON (…)
  std::vector<std::vector<AstExprPtr>> values;  ///< a VALUES list; `targets` is empty then
  /// A set operation: `arms` (two or more), evaluated from the left; nothing but WITH, order and
  /// limit beside. Chains of one operation are flat: no recursion over 10,000 UNION ALLs.
  enum class SetOperation : uint8_t { kNone, kUnion, kIntersect, kExcept } set_operation = SetOperation::kNone;
  bool set_all = false;
  std::vector<SelectAstPtr> arms;
  std::vector<AstSortItem> order_by;
  AstExprPtr limit, offset;
  bool with_ties = false;
  std::vector<AstLocking> locking;
  int position = 0;
  /// A clause the binder refuses (0A000), e.g. "SELECT INTO"; empty = none.
  std::string unsupported;
  int unsupported_position = 0;
};

}  // namespace eventd::engine
