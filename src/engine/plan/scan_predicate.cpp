#include "engine/plan/scan_predicate.h"

#include <algorithm>
#include <limits>

#include "engine/functions/value_binary.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/plan/coercion.h"
#include "engine/plan/fold_constants.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

struct Comparison {
  std::string_view name;
  Op op;
  Op swapped;  ///< for constant op column
};
constexpr Comparison kComparisons[] = {
    {"=", Op::kEq, Op::kEq},           {"<>", Op::kNotEq, Op::kNotEq},
    {"<", Op::kLess, Op::kGreater},    {"<=", Op::kLessEq, Op::kGreaterEq},
    {">", Op::kGreater, Op::kLess},    {">=", Op::kGreaterEq, Op::kLessEq}};

const Comparison* comparison_of(const ScalarFunction* function, Oid left, Oid right) {
  for (const Comparison& comparison : kComparisons) {
    const Operator* op = FunctionCatalog::instance().find_operator(comparison.name, left, right);
    if (op != nullptr && op->function == function) return &comparison;
  }
  return nullptr;
}

std::optional<int64_t> integer_value(const Datum& value) {
  if (const auto* v = std::get_if<int16_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int32_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int64_t>(&value.value())) return *v;
  return std::nullopt;
}

bool is_integer(Oid type) {
  return type == oid::kInt2 || type == oid::kInt4 || type == oid::kInt8;
}

/// The constant in the column's type, when comparing in that type means the same.
std::optional<Datum> value_for(const Expr& constant, Oid column_type, const EvalContext& context) {
  if (constant.constant.is_null()) return std::nullopt;
  if (constant.type.id == column_type) return constant.constant;
  if (is_integer(column_type) && is_integer(constant.type.id)) {
    const std::optional<int64_t> value = integer_value(constant.constant);
    if (!value.has_value()) return std::nullopt;
    if (column_type == oid::kInt8) return Datum::int8(*value);
    if (column_type == oid::kInt4 && *value >= std::numeric_limits<int32_t>::min() &&
        *value <= std::numeric_limits<int32_t>::max()) {
      return Datum::int4(static_cast<int32_t>(*value));
    }
    if (column_type == oid::kInt2 && *value >= std::numeric_limits<int16_t>::min() &&
        *value <= std::numeric_limits<int16_t>::max()) {
      return Datum(oid::kInt2, static_cast<int16_t>(*value));
    }
    return std::nullopt;
  }
  if (column_type == oid::kTimestamptz &&
      (constant.type.id == oid::kDate || constant.type.id == oid::kTimestamp)) {
    ParameterTypes none({});
    Result<ExprPtr> cast =
        coerce(constant.clone(), {column_type, -1}, CastContext::kImplicit, none);
    if (!cast.ok()) return std::nullopt;
    Result<Datum> value = evaluate_constant(std::move(cast).value(), context);
    if (value.ok() && !value->is_null()) return std::move(value).value();
  }
  return std::nullopt;
}

/// What stands before the first wildcard; `exact` when there is none, `prefix` for `text%`.
struct LikePrefix {
  std::string text;
  bool exact = false, prefix = false;
};
LikePrefix like_prefix(std::string_view pattern) {
  LikePrefix out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%' || pattern[i] == '_') {
      out.prefix = pattern[i] == '%' && i + 1 == pattern.size();
      return out;
    }
    if (pattern[i] == '\\' && ++i == pattern.size()) return {};
    out.text += pattern[i];
  }
  out.exact = true;
  return out;
}

/// The elements of a constant array as constants. False: there is none.
bool add_array_elements(const Expr& array, std::vector<ExprPtr>& elements) {
  if (array.kind != Expr::Kind::kConstant || array.constant.is_null()) return false;
  Result<ArrayReader> reader = ArrayReader::open(array.constant.bytes());
  if (!reader.ok()) return false;
  const Type type{reader->element_type(), -1};
  for (int64_t i = 0; i < reader->element_count(); ++i) {
    const std::optional<std::string_view> bytes = reader->next();
    if (!bytes.has_value()) continue;  // NULL makes no row pass
    Result<Datum> value = datum_from_binary(type, *bytes);
    if (!value.ok()) return false;
    elements.push_back(Expr::constant_of(std::move(value).value(), type));
  }
  return true;
}

const Expr* column_child(const Expr& expression, size_t child) {
  const Expr& node = *expression.children[child];
  return node.kind == Expr::Kind::kColumn ? &node : nullptr;
}

class Matcher {
 public:
  Matcher(const PlanNode& scan, const EvalContext& context) : scan_(scan), context_(context) {}

  std::optional<ScanCondition> match(const Expr& condition) const {
    switch (condition.kind) {
      case Expr::Kind::kIsNull:
      case Expr::Kind::kIsNotNull:
        if (const Expr* column = column_child(condition, 0)) {
          return make(*column, condition.kind == Expr::Kind::kIsNull ? Op::kIsNull
                                                                     : Op::kIsNotNull,
                      {});
        }
        return std::nullopt;
      case Expr::Kind::kInList: return in_list(condition);
      case Expr::Kind::kAnyArray: return any_array(condition);
      case Expr::Kind::kOr: return any_of(condition);
      case Expr::Kind::kCall:
        if (condition.children.size() != 2) return std::nullopt;
        if (auto found = comparison(condition)) return found;
        if (auto found = text_match(condition)) return found;
        return eql_match(condition);
      default: return std::nullopt;
    }
  }

 private:
  std::optional<ScanCondition> make(const Expr& column, Op op, std::vector<Datum> values) const {
    ScanCondition result;
    result.predicate.column = scan_.scan_columns[static_cast<size_t>(column.index)];
    result.predicate.op = op;
    result.predicate.values = std::move(values);
    return result;
  }

  std::optional<ScanCondition> comparison(const Expr& condition) const {
    const Comparison* found = comparison_of(condition.function, condition.children[0]->type.id,
                                            condition.children[1]->type.id);
    if (found == nullptr) return std::nullopt;
    for (const bool swapped : {false, true}) {
      const Expr* column = column_child(condition, swapped ? 1 : 0);
      const Expr& other = *condition.children[swapped ? 0 : 1];
      if (column == nullptr || other.kind != Expr::Kind::kConstant) continue;
      std::optional<Datum> value = value_for(other, column->type.id, context_);
      if (!value.has_value()) return std::nullopt;
      return make(*column, swapped ? found->swapped : found->op, {*std::move(value)});
    }
    return std::nullopt;
  }

  std::optional<ScanCondition> in_list(const Expr& condition) const {
    const Expr* column = column_child(condition, 0);
    if (column == nullptr) return std::nullopt;
    const Comparison* found = comparison_of(condition.function, column->type.id,
                                            condition.children[1]->type.id);
    if (found == nullptr || found->op != Op::kEq) return std::nullopt;
    std::vector<Datum> values;
    for (size_t i = 1; i < condition.children.size(); ++i) {
      const Expr& element = *condition.children[i];
      if (element.kind != Expr::Kind::kConstant) return std::nullopt;
      if (element.constant.is_null()) continue;  // makes no row pass
      std::optional<Datum> value = value_for(element, column->type.id, context_);
      if (!value.has_value()) return std::nullopt;
      values.push_back(*std::move(value));
    }
    if (values.empty()) return std::nullopt;
    return make(*column, Op::kIn, std::move(values));
  }

  /// column = ANY (ARRAY[…]) and = ANY ('{…}').
  std::optional<ScanCondition> any_array(const Expr& condition) const {
    const Expr* column = column_child(condition, 0);
    const Expr& array = *condition.children[1];
    if (column == nullptr || condition.function == nullptr) return std::nullopt;
    std::vector<ExprPtr> elements;
    if (array.kind == Expr::Kind::kArray) {
      for (const ExprPtr& element : array.children) elements.push_back(element->clone());
    } else if (!add_array_elements(array, elements)) {
      return std::nullopt;
    }
    std::vector<Datum> values;
    for (const ExprPtr& element : elements) {
      if (element->kind != Expr::Kind::kConstant) return std::nullopt;
      if (values.empty()) {
        const Comparison* found =
            comparison_of(condition.function, column->type.id, element->type.id);
        if (found == nullptr || found->op != Op::kEq) return std::nullopt;
      }
      if (element->constant.is_null()) continue;  // makes no row pass
      std::optional<Datum> value = value_for(*element, column->type.id, context_);
      if (!value.has_value()) return std::nullopt;
      values.push_back(*std::move(value));
    }
    if (values.empty()) return std::nullopt;
    return make(*column, Op::kIn, std::move(values));
  }

  /// `column = a OR column = b …`, as EQL writes IN.
  std::optional<ScanCondition> any_of(const Expr& condition) const {
    std::optional<ScanCondition> all;
    for (const ExprPtr& child : condition.children) {
      if (child->kind == Expr::Kind::kOr) return std::nullopt;  // bounds the depth
      std::optional<ScanCondition> one = match(*child);
      if (!one.has_value()) return std::nullopt;
      ScanPredicate& predicate = one->predicate;
      if (predicate.op != Op::kEq && predicate.op != Op::kIn) return std::nullopt;
      if (!all.has_value()) {
        all = std::move(one);
        all->predicate.op = Op::kIn;
        continue;
      }
      if (!(predicate.column == all->predicate.column) ||
          predicate.ignore_case != all->predicate.ignore_case) {
        return std::nullopt;
      }
      all->complete = all->complete && one->complete;
      std::move(predicate.values.begin(), predicate.values.end(),
                std::back_inserter(all->predicate.values));
    }
    return all;
  }

  /// The string tests of EQL, which ignore ASCII case. Of a payload value the scan tests the text
  /// form: strings have no other, but a number or boolean may look the same, so that it only prunes.
  std::optional<ScanCondition> eql_match(const Expr& condition) const {
    const Expr* column = column_child(condition, 0);
    const Expr& literal = *condition.children[1];
    if (column != nullptr && condition.function->name == "eql_in") return eql_list(*column, literal);
    if (column == nullptr || literal.type.id != oid::kText ||
        literal.kind != Expr::Kind::kConstant || literal.constant.is_null()) {
      return std::nullopt;
    }
    const std::string_view name = condition.function->name, text = literal.constant.bytes();
    const bool is_jsonb = column->type.id == oid::kJsonb;
    const bool has_star = text.find('*') != text.npos;
    auto result = make(*column, Op::kEq, {literal.constant});
    ScanPredicate& predicate = result->predicate;
    predicate.ignore_case = true;
    if (is_jsonb) {
      if (predicate.column.extract != ScanColumn::Extract::kJson) return std::nullopt;
      predicate.column.extract = ScanColumn::Extract::kText;
      predicate.column.type = {oid::kText, -1};
      result->complete = false;
    }
    if (name == "eql_eq") return result;
    if (name == "eql_starts_with") {
      predicate.op = Op::kStartsWith;
      return result;
    }
    if (is_jsonb) return std::nullopt;
    if (name == "eql_ne") {
      predicate.op = Op::kNotEq;
    } else if (name == "eql_glob") {
      if (has_star && text.find('*') + 1 == text.size()) {
        predicate.op = Op::kStartsWith;
        predicate.values = {Datum::text(std::string(text.substr(0, text.size() - 1)))};
      } else if (has_star) {
        predicate.op = Op::kGlob;
      }
    } else if ((name == "eql_ends_with" || name == "eql_contains") && !has_star) {
      predicate.op = Op::kGlob;
      std::string glob = "*" + std::string(text);
      if (name == "eql_contains") glob += '*';
      predicate.values = {Datum::text(std::move(glob))};
    } else {
      return std::nullopt;
    }
    return result;
  }

  /// eql_in where all literals are strings: as above, it only prunes.
  std::optional<ScanCondition> eql_list(const Expr& column, const Expr& list) const {
    if (list.kind != Expr::Kind::kConstant || list.constant.is_null()) return std::nullopt;
    MsgpackReader reader(as_bytes(list.constant.bytes()));
    MsgpackToken token;
    if (!reader.next(token) || token.kind != MsgpackKind::kArray) return std::nullopt;
    std::vector<Datum> values;
    for (uint32_t count = token.count; count > 0; --count) {
      if (!reader.next(token) || token.kind != MsgpackKind::kString) return std::nullopt;
      values.push_back(Datum::text(std::string(token.text())));
    }
    auto result = make(column, Op::kIn, std::move(values));
    ScanPredicate& predicate = result->predicate;
    if (predicate.column.extract != ScanColumn::Extract::kJson) return std::nullopt;
    predicate.ignore_case = true;
    predicate.column.extract = ScanColumn::Extract::kText;
    predicate.column.type = {oid::kText, -1};
    result->complete = false;
    return result;
  }

  std::optional<ScanCondition> text_match(const Expr& condition) const {
    const Expr* column = column_child(condition, 0);
    const Expr& pattern = *condition.children[1];
    if (column == nullptr || column->type.id != oid::kText || pattern.type.id != oid::kText ||
        pattern.kind != Expr::Kind::kConstant || pattern.constant.is_null()) {
      return std::nullopt;
    }
    const std::string_view name = condition.function->name;
    if (name == "starts_with") {
      return make(*column, Op::kStartsWith, {pattern.constant});
    }
    if (name != "textlike" && name != "like") return std::nullopt;
    LikePrefix prefix = like_prefix(pattern.constant.bytes());
    if (prefix.exact) return make(*column, Op::kEq, {Datum::text(std::move(prefix.text))});
    if (prefix.text.empty()) return std::nullopt;
    auto result = make(*column, Op::kStartsWith, {Datum::text(std::move(prefix.text))});
    result->complete = prefix.prefix;
    return result;
  }

  const PlanNode& scan_;
  const EvalContext& context_;
};

}  // namespace

std::optional<ScanCondition> scan_condition_of(const Expr& condition, const PlanNode& scan,
                                               const EvalContext& context) {
  return Matcher(scan, context).match(condition);
}

}  // namespace eventd::engine
