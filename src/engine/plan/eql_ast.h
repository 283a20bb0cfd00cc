// The syntax tree of an EQL query (spec: query-language.md). Made by the EQL parser, read by the EQL
// binder. `position` is everywhere the 1-based character position, 0 = none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace eventd::engine {

/// A field as written: a column, or a path of payload keys.
struct EqlField {
  std::vector<std::string> path;  ///< at least one piece
  bool quoted_first = false;      ///< the first piece was back-quoted: never a column
  std::string text;               ///< as written: the output column's name
  int position = 0;
};

/// A value as written, or a parameter.
struct EqlLiteral {
  enum class Kind : uint8_t {
    kString, kInteger, kFloat, kBoolean,
    kWideInteger,  ///< beyond int64: `text` is its decimal digits
    kTime,       ///< `text`: a date or timestamp for timestamptz input (UTC without a zone)
    kRelative,   ///< now + `integer` nanoseconds (negative: ago)
    kToday,      ///< UTC midnight + `integer` days
    kParameter,  ///< $`integer`
  } kind = Kind::kString;
  std::string text;
  int64_t integer = 0;
  double real = 0;
  bool bare = false;  ///< kString of a word without quotes: only some fields take one
  int position = 0;
};

/// A WHERE condition. Nesting is at most kExpressionDepthMax.
struct EqlCondition {
  enum class Kind : uint8_t {
    kAnd, kOr,
    kEq, kNotEq, kLess, kLessEq, kGreater, kGreaterEq,
    kStartsWith, kEndsWith, kContains, kHas,
    kIn, kNotIn,
    kIsNull, kIsNotNull,
  } kind = Kind::kAnd;
  std::vector<std::unique_ptr<EqlCondition>> children;  ///< kAnd, kOr
  EqlField field;
  std::vector<EqlLiteral> values;
};

struct EqlSortItem {
  EqlField field;
  bool descending = false;
};

struct EqlAggregate {
  enum class Kind : uint8_t { kCountBy, kTop, kDistinct, kGroup } kind = Kind::kCountBy;
  std::optional<EqlLiteral> top;
  std::vector<EqlField> fields;
  enum class Function : uint8_t { kCount, kSum, kAvg, kMin, kMax } function = Function::kCount;
  EqlField argument;  ///< kGroup but COUNT
  int position = 0;
};

/// An EVENTS query. (LOGS and METRIC have trees of their own when they come.)
struct EqlAst {
  std::optional<std::string> pattern;  ///< of the event type; `*` is special
  std::optional<EqlLiteral> since, until;
  std::vector<std::unique_ptr<EqlCondition>> where;
  std::optional<EqlAggregate> aggregate;
  std::vector<EqlSortItem> sort;
  std::optional<EqlLiteral> skip, take;
  std::vector<EqlField> select;
};

}  // namespace eventd::engine
