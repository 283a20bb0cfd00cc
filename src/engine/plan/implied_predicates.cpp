#include "engine/plan/implied_predicates.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "engine/plan/cast_predicate.h"
#include "engine/plan/scan_predicate.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;
using Predicates = std::vector<ScanPredicate>;

constexpr int64_t kHourUs = 3'600'000'000, kDayUs = 24 * kHourUs;
/// ORs of more branches are not looked into.
constexpr size_t kBranchesMax = 1'000;

std::optional<int64_t> integer_of(const Datum& value) {
  if (const auto* v = std::get_if<int16_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int32_t>(&value.value())) return *v;
  if (const auto* v = std::get_if<int64_t>(&value.value())) return *v;
  return std::nullopt;
}

bool is_upper(Op op) { return op == Op::kLess || op == Op::kLessEq || op == Op::kEq; }
bool is_lower(Op op) { return op == Op::kGreater || op == Op::kGreaterEq || op == Op::kEq; }
bool is_member(Op op) { return op == Op::kEq || op == Op::kIn; }

class Implication {
 public:
  Implication(const PlanNode& scan, const EvalContext& context) : scan_(scan), context_(context) {}

  Predicates of(const Expr& condition) const {
    if (!check_stack_depth().ok()) return {};
    Predicates out;
    switch (condition.kind) {
      case Expr::Kind::kAnd:
        for (const ExprPtr& child : condition.children) {
          Predicates more = of(*child);
          std::move(more.begin(), more.end(), std::back_inserter(out));
        }
        return out;
      case Expr::Kind::kOr: {
        if (std::optional<ScanCondition> whole = scan_condition_of(condition, scan_, context_)) {
          out.push_back(std::move(whole->predicate));
          return out;
        }
        return of_or(condition);
      }
      default:
        if (std::optional<ScanCondition> one = scan_condition_of(condition, scan_, context_)) {
          out.push_back(std::move(one->predicate));
          return out;
        }
        if (std::optional<ScanPredicate> cast = cast_predicate_of(condition, scan_, context_)) {
          out.push_back(*std::move(cast));
          return out;
        }
        return of_truncation(condition);
    }
  }

 private:
  /// What is implied by every branch.
  Predicates of_or(const Expr& condition) const {
    if (condition.children.size() > kBranchesMax) return {};
    std::vector<Predicates> branches;
    for (const ExprPtr& child : condition.children) {
      branches.push_back(of(*child));
      if (branches.back().empty()) return {};
    }
    Predicates out;
    std::vector<const ScanColumn*> seen;
    for (const ScanPredicate& predicate : branches[0]) {
      const bool again = std::any_of(seen.begin(), seen.end(), [&](const ScanColumn* column) {
        return *column == predicate.column;
      });
      if (again) continue;
      seen.push_back(&predicate.column);
      add_members(branches, predicate, out);
      add_bound(branches, predicate.column, true, out);
      add_bound(branches, predicate.column, false, out);
    }
    return out;
  }

  /// One of all the values that some branch allows.
  static void add_members(const std::vector<Predicates>& branches, const ScanPredicate& first,
                          Predicates& out) {
    ScanPredicate all = first;
    all.op = Op::kIn;
    all.values.clear();
    for (const Predicates& branch : branches) {
      const auto found = std::find_if(branch.begin(), branch.end(), [&](const ScanPredicate& each) {
        return is_member(each.op) && each.column == first.column &&
               each.ignore_case == first.ignore_case;
      });
      if (found == branch.end()) return;
      for (const Datum& value : found->values) {
        if (std::find(all.values.begin(), all.values.end(), value) == all.values.end()) {
          all.values.push_back(value);
        }
      }
    }
    out.push_back(std::move(all));
  }

  /// The weakest of the branches' bounds.
  static void add_bound(const std::vector<Predicates>& branches, const ScanColumn& column,
                        bool upper, Predicates& out) {
    std::optional<ScanPredicate> weakest;
    int64_t limit = 0;
    bool strict = true, all_equal = true;
    for (const Predicates& branch : branches) {
      const auto found = std::find_if(branch.begin(), branch.end(), [&](const ScanPredicate& each) {
        return each.column == column && (upper ? is_upper(each.op) : is_lower(each.op)) &&
               integer_of(each.values[0]).has_value();
      });
      if (found == branch.end()) return;
      const int64_t value = *integer_of(found->values[0]);
      const bool own_strict = found->op == Op::kLess || found->op == Op::kGreater;
      all_equal = all_equal && found->op == Op::kEq;
      const bool weaker = !weakest.has_value() || (upper ? value > limit : value < limit);
      if (weaker) {
        weakest = *found;
        limit = value;
        strict = own_strict;
      } else if (value == limit) {
        strict = strict && own_strict;
      }
    }
    if (!weakest.has_value() || all_equal) return;  // add_members() has said it
    weakest->op = upper ? (strict ? Op::kLess : Op::kLessEq)
                        : (strict ? Op::kGreater : Op::kGreaterEq);
    out.push_back(*std::move(weakest));
  }

  /// truncated(time) op constant: the time is at least what it is truncated to, and less than that
  /// and the longest step.
  Predicates of_truncation(const Expr& condition) const {
    if (condition.kind != Expr::Kind::kCall || condition.children.size() != 2) return {};
    const bool swapped = condition.children[0]->kind == Expr::Kind::kConstant;
    const Expr& call = *condition.children[swapped ? 1 : 0];
    const Expr& constant = *condition.children[swapped ? 0 : 1];
    if (constant.kind != Expr::Kind::kConstant || constant.constant.is_null()) return {};
    const Expr* time = nullptr;
    int64_t before = 0, after = 0;  // the time is in (value - before, value + after)
    if (!truncated_time(call, time, before, after)) return {};
    const std::optional<Op> op = operator_of(condition, swapped);
    std::optional<int64_t> value = integer_of(constant.constant);
    if (!op.has_value() || !value.has_value()) return {};
    if (constant.type.id == oid::kDate && call.type.id == oid::kDate) {
      if (__builtin_mul_overflow(*value, kDayUs, &*value)) return {};
    } else if (constant.type.id != oid::kTimestamptz) {
      return {};
    }
    Predicates out;
    int64_t bound = 0;
    if (is_lower(*op) && !__builtin_sub_overflow(*value, before, &bound)) {
      out.push_back(predicate_on(*time, Op::kGreaterEq, bound));
    }
    if (is_upper(*op) && !__builtin_add_overflow(*value, after, &bound)) {
      out.push_back(predicate_on(*time, Op::kLess, bound));
    }
    return out;
  }

  static std::optional<Op> operator_of(const Expr& condition, bool swapped) {
    static constexpr struct {
      std::string_view name;
      Op op, swapped;
    } kOperators[] = {{"=", Op::kEq, Op::kEq},
                      {"<", Op::kLess, Op::kGreater},
                      {"<=", Op::kLessEq, Op::kGreaterEq},
                      {">", Op::kGreater, Op::kLess},
                      {">=", Op::kGreaterEq, Op::kLessEq}};
    for (const auto& each : kOperators) {
      const Operator* found = FunctionCatalog::instance().find_operator(
          each.name, condition.children[0]->type.id, condition.children[1]->type.id);
      if (found != nullptr && found->function == condition.function) {
        return swapped ? each.swapped : each.op;
      }
    }
    return std::nullopt;
  }

  ScanPredicate predicate_on(const Expr& time, Op op, int64_t value) const {
    ScanPredicate predicate;
    predicate.column = scan_.scan_columns[static_cast<size_t>(time.index)];
    predicate.op = op;
    predicate.values.push_back(Datum(oid::kTimestamptz, value));
    return predicate;
  }

  static bool truncated_time(const Expr& call, const Expr*& time, int64_t& before, int64_t& after) {
    if (call.kind != Expr::Kind::kCall || call.children.empty()) return false;
    const Cast* cast = FunctionCatalog::instance().cast(oid::kTimestamptz, oid::kDate);
    if (cast != nullptr && call.function == cast->function) {
      time = call.children[0].get();
      before = kDayUs;  // the day of any zone
      after = 2 * kDayUs;
      return is_time_column(*time);
    }
    if (call.children.size() < 2 || call.type.id != oid::kTimestamptz) return false;
    const Expr& step = *call.children[0];
    time = call.children[1].get();
    if (step.kind != Expr::Kind::kConstant || step.constant.is_null() || !is_time_column(*time)) {
      return false;
    }
    const std::string_view name = call.function->name;
    if (name == "date_trunc") return longest_unit(step.constant.bytes(), after);
    const auto* width = std::get_if<IntervalValue>(&step.constant.value());
    if ((name != "time_bucket" && name != "date_bin") || width == nullptr) return false;
    if (width->months < 0 || width->days < 0 || width->microseconds < 0) return false;
    // A day for what zones do to days and months, twice for offsets and origins.
    const int64_t days = int64_t{width->months} * 32 + width->days;
    if (__builtin_mul_overflow(days, kDayUs, &after) ||
        __builtin_add_overflow(after, width->microseconds + 2 * kDayUs, &after)) {
      return false;
    }
    before = 2 * kDayUs;
    return true;
  }

  static bool is_time_column(const Expr& expression) {
    return expression.kind == Expr::Kind::kColumn && expression.type.id == oid::kTimestamptz;
  }

  static bool longest_unit(std::string_view unit, int64_t& after) {
    static constexpr struct {
      std::string_view name;
      int64_t us;
    } kUnits[] = {{"second", 1'000'000}, {"minute", 60'000'000},  {"hour", 2 * kHourUs},
                  {"day", 2 * kDayUs},   {"week", 8 * kDayUs},    {"month", 32 * kDayUs},
                  {"quarter", 93 * kDayUs}, {"year", 367 * kDayUs}};
    for (const auto& each : kUnits) {
      if (each.name != unit) continue;
      after = each.us;
      return true;
    }
    return false;
  }

  const PlanNode& scan_;
  const EvalContext& context_;
};

}  // namespace

std::vector<ScanPredicate> implied_predicates(const Expr& condition, const PlanNode& scan,
                                              const EvalContext& context) {
  return Implication(scan, context).of(condition);
}

}  // namespace eventd::engine
