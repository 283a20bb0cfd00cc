#include "engine/plan/cast_predicate.h"

#include <cmath>
#include <utility>

#include "engine/functions/value_binary.h"
#include "engine/plan/fold_constants.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

/// How far a number type reaches: casts to a larger one keep the order. 0: no number.
int reach_of(Oid type) {
  switch (type) {
    case oid::kInt2: return 1;
    case oid::kInt4: return 2;
    case oid::kInt8: return 3;
    case oid::kNumeric: return 4;
    case oid::kFloat8: return 5;
    default: return 0;
  }
}

/// The text column below casts to numbers, the first of them to `type`; null = something else.
const Expr* text_below(const Expr& expression, Oid& type) {
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  const Expr* node = &expression;
  while (node->kind == Expr::Kind::kCall && node->children.size() == 1) {
    const Expr& value = *node->children[0];
    const int reach = reach_of(node->type.id);
    if (reach == 0) return nullptr;
    if (value.type.id == oid::kText) {
      if (node->function != catalog.io_cast(oid::kText, node->type.id)) return nullptr;
      type = node->type.id;
      return value.kind == Expr::Kind::kColumn ? &value : nullptr;
    }
    const Cast* cast = catalog.cast(value.type.id, node->type.id);
    const int inner = reach_of(value.type.id);
    if (cast == nullptr || cast->function != node->function || inner == 0 || inner > reach) {
      return nullptr;
    }
    node = &value;
  }
  return nullptr;
}

struct NumberComparison {
  std::string_view name;
  Op op, swapped;
};
constexpr NumberComparison kNumberComparisons[] = {{"=", Op::kEq, Op::kEq},
                                                   {"<", Op::kLess, Op::kGreater},
                                                   {"<=", Op::kLessEq, Op::kGreaterEq},
                                                   {">", Op::kGreater, Op::kLess},
                                                   {">=", Op::kGreaterEq, Op::kLessEq}};

const NumberComparison* number_comparison(const ScalarFunction* function, Oid left, Oid right) {
  for (const NumberComparison& each : kNumberComparisons) {
    const Operator* found = FunctionCatalog::instance().find_operator(each.name, left, right);
    if (found != nullptr && found->function == function) return &each;
  }
  return nullptr;
}

class CastMatcher {
 public:
  CastMatcher(const PlanNode& scan, const EvalContext& context) : scan_(scan), context_(context) {}

  std::optional<ScanPredicate> match(const Expr& condition) {
    const bool list = condition.kind == Expr::Kind::kInList;
    if (list || condition.kind == Expr::Kind::kAnyArray) {
      if (!take_column(*condition.children[0])) return std::nullopt;
      const bool equality = list ? takes_list(condition) : takes_array(condition);
      if (!equality || predicate_.values.empty()) return std::nullopt;
      predicate_.op = Op::kIn;
      return std::move(predicate_);
    }
    if (condition.kind != Expr::Kind::kCall || condition.children.size() != 2) return std::nullopt;
    const bool swapped = condition.children[0]->kind == Expr::Kind::kConstant;
    const Expr& value = *condition.children[swapped ? 1 : 0];
    const Expr& constant = *condition.children[swapped ? 0 : 1];
    const NumberComparison* comparison = number_comparison(
        condition.function, condition.children[0]->type.id, condition.children[1]->type.id);
    if (comparison == nullptr || constant.constant.is_null() || !take_column(value) ||
        !take_value(constant)) {
      return std::nullopt;
    }
    predicate_.op = swapped ? comparison->swapped : comparison->op;
    return std::move(predicate_);
  }

 private:
  bool take_column(const Expr& value) {
    Oid type = 0;
    const Expr* text = text_below(value, type);
    if (text == nullptr) return false;
    predicate_.column = scan_.scan_columns[static_cast<size_t>(text->index)];
    if (predicate_.column.extract != ScanColumn::Extract::kText) return false;
    predicate_.column.extract = ScanColumn::Extract::kNumber;
    predicate_.column.type = {type, -1};
    return true;
  }

  /// A constant as int8 or float8. NULLs make no row pass.
  bool take_value(const Expr& constant) {
    if (constant.kind != Expr::Kind::kConstant) return false;
    const Datum& value = constant.constant;
    if (value.is_null()) return true;
    if (const auto* v = std::get_if<int16_t>(&value.value())) return add(*v);
    if (const auto* v = std::get_if<int32_t>(&value.value())) return add(*v);
    if (constant.type.id == oid::kInt8) return add(value.as<int64_t>());
    if (constant.type.id == oid::kFloat8) return add_float(value);
    const Cast* cast = FunctionCatalog::instance().cast(constant.type.id, oid::kFloat8);
    const bool number = constant.type.id == oid::kNumeric || constant.type.id == oid::kFloat4;
    if (!number || cast == nullptr || cast->function == nullptr) return false;
    std::vector<ExprPtr> arguments;
    arguments.push_back(constant.clone());
    Result<Datum> as_float = evaluate_constant(
        Expr::call(cast->function, {oid::kFloat8, -1}, std::move(arguments)), context_);
    return as_float.ok() && add_float(*as_float);
  }

  bool add(int64_t value) {
    predicate_.values.push_back(Datum::int8(value));
    return true;
  }
  bool add_float(const Datum& value) {
    const auto* number = std::get_if<double>(&value.value());
    if (number == nullptr || !std::isfinite(*number)) return false;
    predicate_.values.push_back(value);
    return true;
  }

  bool takes_list(const Expr& condition) {
    const Oid left = condition.children[0]->type.id;
    const NumberComparison* comparison =
        number_comparison(condition.function, left, condition.children[1]->type.id);
    if (comparison == nullptr || comparison->op != Op::kEq) return false;
    for (size_t i = 1; i < condition.children.size(); ++i) {
      if (!take_value(*condition.children[i])) return false;
    }
    return true;
  }

  bool takes_array(const Expr& condition) {
    const Oid left = condition.children[0]->type.id;
    const Expr& array = *condition.children[1];
    const Oid element = type_info(array.type.id).element;
    const NumberComparison* comparison = number_comparison(condition.function, left, element);
    if (comparison == nullptr || comparison->op != Op::kEq) return false;
    if (array.kind == Expr::Kind::kArray) {
      for (const ExprPtr& each : array.children) {
        if (!take_value(*each)) return false;
      }
      return true;
    }
    if (array.kind != Expr::Kind::kConstant || array.constant.is_null()) return false;
    Result<ArrayReader> reader = ArrayReader::open(array.constant.bytes());
    if (!reader.ok()) return false;
    const Type type{reader->element_type(), -1};
    for (int64_t i = 0; i < reader->element_count(); ++i) {
      const std::optional<std::string_view> bytes = reader->next();
      if (!bytes.has_value()) continue;
      Result<Datum> value = datum_from_binary(type, *bytes);
      if (!value.ok() || !take_value(*Expr::constant_of(std::move(value).value(), type))) {
        return false;
      }
    }
    return true;
  }

  const PlanNode& scan_;
  const EvalContext& context_;
  ScanPredicate predicate_;
};

}  // namespace

std::optional<ScanPredicate> cast_predicate_of(const Expr& condition, const PlanNode& scan,
                                               const EvalContext& context) {
  return CastMatcher(scan, context).match(condition);
}

}  // namespace eventd::engine
