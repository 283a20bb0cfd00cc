// Plans give the same rows before the rules and after them: random trees of joins, filters,
// subqueries and Applies over small relations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "engine/exec/executor.h"
#include "engine/plan/query_planner.h"
#include "tests/unit/exec/exec_fakes.h"
#include "tests/unit/plan/plan_builder.h"

namespace eventd::engine {
namespace {

using Rows = std::vector<std::string>;

Result<Rows> run(PlanPtr plan) {
  static const CancelToken cancel;
  ExecutionContext context;
  context.eval.cancel = &cancel;
  ASSIGN_OR_RETURN(auto execution, start_execution(std::move(plan), std::move(context)));
  Rows rows;
  Batch batch;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, execution->next(batch));
    if (!more) break;
    for (uint32_t i = 0; i < batch.size; ++i) {
      std::string row;
      for (const Vector& column : batch.columns) {
        row += column.datum(i).is_null() ? "- " : std::to_string(column.datum(i).as<int64_t>()) + " ";
      }
      rows.push_back(std::move(row));
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

class PlanMaker {
 public:
  explicit PlanMaker(uint32_t seed) : random_(seed) {
    for (int r = 0; r < 3; ++r) {
      std::vector<std::vector<int64_t>> columns(2);
      const int rows = number(0, 12);
      for (int i = 0; i < rows; ++i) {
        for (auto& column : columns) column.push_back(number(0, 5));
      }
      relations_.push_back(testing::int8_relation(std::move(columns), 5));
    }
  }

  PlanPtr plan(int depth) {
    if (depth == 0) return scan(*relations_[static_cast<size_t>(number(0, 2))]);
    PlanPtr below = plan(depth - 1);
    switch (number(0, 7)) {
      case 0: {
        ExprPtr test = condition(width(*below));
        return filter(std::move(below), std::move(test));
      }
      case 1: {
        const int columns = width(*below);
        return project(std::move(below), exprs(col(number(0, columns - 1)), op("+", col(0), int8_of(1))));
      }
      case 2: {
        const int columns = width(*below);
        std::vector<AggregateCall> calls;
        calls.push_back(aggregate("count"));
        calls.push_back(aggregate("max", col(number(0, columns - 1))));
        return group(std::move(below), exprs(col(number(0, columns - 1))), std::move(calls));
      }
      case 3: return exists(std::move(below));
      case 4: return counted(std::move(below));
      case 5: return apply(std::move(below));
      default: return joined(std::move(below), plan(depth > 1 ? number(0, 1) : 0));
    }
  }

 private:
  static int width(const PlanNode& plan) { return static_cast<int>(plan.columns.size()); }
  int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  ExprPtr condition(int columns) {
    static constexpr const char* kOps[] = {"=", "<", ">=", "="};
    const auto one = [&]() -> ExprPtr {
      ExprPtr column = col(number(0, columns - 1));
      if (number(0, 5) == 0) return node_of(Expr::Kind::kIsNull, exprs(std::move(column)));
      ExprPtr other = number(0, 1) == 0 ? int8_of(number(0, 5)) : col(number(0, columns - 1));
      return op(kOps[number(0, 3)], std::move(column), std::move(other));
    };
    switch (number(0, 3)) {
      case 0: return all_of_exprs(exprs(one(), one()));
      case 1: return node_of(Expr::Kind::kOr, exprs(one(), one()));
      default: return one();
    }
  }

  PlanPtr joined(PlanPtr left, PlanPtr right) {
    const JoinType type = static_cast<JoinType>(number(0, 5));
    const int l = width(*left), r = width(*right);
    ExprPtr on = eq(col(number(0, l - 1)), col(l + number(0, r - 1)));
    if (number(0, 2) == 0) on = all_of_exprs(exprs(std::move(on), condition(l + r)));
    PlanPtr result = join(type, std::move(left), std::move(right), std::move(on));
    if (number(0, 1) == 0) return result;
    ExprPtr test = condition(width(*result));
    return filter(std::move(result), std::move(test));
  }

  PlanPtr correlated() {
    return filter(scan(*relations_[static_cast<size_t>(number(0, 2))]),
                  number(0, 3) == 0 ? op("<", col(1), outer(0)) : eq(col(0), outer(0)));
  }

  PlanPtr exists(PlanPtr below) {
    const int columns = width(*below);
    ExprPtr test = subquery(Subquery::Kind::kExists, correlated(), exprs(col(number(0, columns - 1))));
    if (number(0, 1) == 0) test = node_of(Expr::Kind::kNot, exprs(std::move(test)));
    return filter(std::move(below), std::move(test));
  }

  PlanPtr counted(PlanPtr below) {
    const int columns = width(*below);
    std::vector<AggregateCall> calls;
    calls.push_back(number(0, 1) == 0 ? aggregate("count") : aggregate("max", col(1)));
    ExprPtr value = subquery(Subquery::Kind::kScalar, group(correlated(), {}, std::move(calls)),
                             exprs(col(number(0, columns - 1))));
    return project(std::move(below), exprs(col(0), std::move(value)));
  }

  PlanPtr apply(PlanPtr below) {
    const int columns = width(*below);
    PlanPtr right = correlated();
    if (number(0, 1) == 0) right = project(std::move(right), exprs(op("+", col(1), int8_of(1))));
    PlanPtr result = join(number(0, 1) == 0 ? JoinType::kInner : JoinType::kLeft, std::move(below),
                          std::move(right), nullptr, PlanNode::Kind::kApply);
    result->expressions = exprs(col(number(0, columns - 1)));
    return result;
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<testing::FakeRelation>> relations_;
};

TEST(RulesResults, RandomPlansGiveTheSameRows) {
  const bool is_long = [] {
    const char* value = std::getenv("EVENTD_LONG_TESTS");
    return value != nullptr && std::string(value) == "1";
  }();
  const uint32_t count = is_long ? 50'000 : 600;
  for (uint32_t seed = 1; seed <= count; ++seed) {
    PlanMaker maker(seed);
    PlanPtr plan = maker.plan(1 + static_cast<int>(seed % 4));
    const std::string before = text(*plan);
    const Result<Rows> expected = run(plan->clone());
    ASSERT_TRUE(expected.ok()) << "seed " << seed << ": " << expected.error().message << "\n" << before;
    static const CancelToken cancel;
    EvalContext context;
    context.cancel = &cancel;
    Result<PlanPtr> optimized = optimize(std::move(plan), {}, context);
    ASSERT_TRUE(optimized.ok()) << "seed " << seed;
    const std::string after = text(**optimized);
    const Result<Rows> rows = run(*std::move(optimized));
    ASSERT_TRUE(rows.ok()) << "seed " << seed << ": " << rows.error().message << "\n" << after;
    ASSERT_EQ(*rows, *expected) << "seed " << seed << "\n" << before << "became\n" << after;
  }
}

}  // namespace
}  // namespace eventd::engine
