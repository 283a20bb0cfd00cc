#include <gtest/gtest.h>

#include <thread>

#include <pthread.h>

#include "engine/exec/compiled_expression.h"
#include "exec_fakes.h"

namespace eventd::engine::testing {
namespace {

using Kind = Expr::Kind;

Datum null_bool() { return Datum::null(oid::kBool); }
Datum truth_value(int value) { return value == 2 ? null_bool() : Datum::boolean(value == 1); }

Batch truth_table() {
  Batch batch;
  batch.size = 9;
  batch.columns = {Vector::flat(oid::kBool, 9), Vector::flat(oid::kBool, 9)};
  for (uint32_t i = 0; i < 9; ++i) {
    batch.columns[0].set_datum(i, truth_value(static_cast<int>(i / 3)));
    batch.columns[1].set_datum(i, truth_value(static_cast<int>(i % 3)));
  }
  return batch;
}

Result<Vector> evaluate(const Expr& expr, const Batch& batch) {
  const EvalContext context;
  ASSIGN_OR_RETURN(const auto compiled, CompiledExpression::compile(expr, context));
  return compiled->evaluate(batch, context);
}

TEST(Evaluator, AndOrAreThreeValued) {
  const Batch batch = truth_table();
  const ExprPtr both = node_of(Kind::kAnd, oid::kBool, list(column(0, oid::kBool), column(1, oid::kBool)));
  const ExprPtr either = node_of(Kind::kOr, oid::kBool, list(column(0, oid::kBool), column(1, oid::kBool)));
  const ExprPtr negated = node_of(Kind::kNot, oid::kBool, list(column(0, oid::kBool)));
  const auto and_result = evaluate(*both, batch), or_result = evaluate(*either, batch),
             not_result = evaluate(*negated, batch);
  ASSERT_TRUE(and_result.ok() && or_result.ok() && not_result.ok());
  for (uint32_t i = 0; i < 9; ++i) {
    const int a = static_cast<int>(i / 3), b = static_cast<int>(i % 3);
    const int want_and = a == 0 || b == 0 ? 0 : a == 2 || b == 2 ? 2 : 1;
    const int want_or = a == 1 || b == 1 ? 1 : a == 2 || b == 2 ? 2 : 0;
    const int want_not = a == 2 ? 2 : 1 - a;
    EXPECT_EQ(and_result->datum(i), truth_value(want_and)) << i;
    EXPECT_EQ(or_result->datum(i), truth_value(want_or)) << i;
    EXPECT_EQ(not_result->datum(i), truth_value(want_not)) << i;
  }
}

TEST(Evaluator, TruthTestsNeverGiveNull) {
  const Batch batch = truth_table();
  const struct { Kind kind; bool on_false, on_true, on_null; } cases[] = {
      {Kind::kIsTrue, false, true, false},    {Kind::kIsNotTrue, true, false, true},
      {Kind::kIsFalse, true, false, false},   {Kind::kIsNotFalse, false, true, true},
      {Kind::kIsUnknown, false, false, true}, {Kind::kIsNotUnknown, true, true, false},
      {Kind::kIsNull, false, false, true},    {Kind::kIsNotNull, true, true, false}};
  for (const auto& c : cases) {
    const ExprPtr expr = node_of(c.kind, oid::kBool, list(column(0, oid::kBool)));
    const auto result = evaluate(*expr, batch);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->datum(0), Datum::boolean(c.on_false));
    EXPECT_EQ(result->datum(3), Datum::boolean(c.on_true));
    EXPECT_EQ(result->datum(6), Datum::boolean(c.on_null));
  }
}

Batch divisors() {
  Batch batch;
  batch.size = 4;
  batch.columns = {int8s({10, 20, 30, 40}), int8s({2, 0, 3, 0})};
  return batch;
}

TEST(Evaluator, DecidedRowsRaiseNoErrors) {
  const Batch batch = divisors();
  // c1 < 1 OR c0 / c1 < 6
  const ExprPtr guarded = node_of(Kind::kOr, oid::kBool,
      list(call(less(), column(1), constant(Datum::int8(1))),
           call(less(), call(divide(), column(0), column(1)), constant(Datum::int8(6)))));
  const auto result = evaluate(*guarded, batch);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->datum(0), Datum::boolean(true));
  EXPECT_EQ(result->datum(1), Datum::boolean(true));
  EXPECT_EQ(result->datum(2), Datum::boolean(false));
  const ExprPtr bare = call(divide(), column(0), column(1));
  const auto failed = evaluate(*bare, batch);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, sqlstate::kDivisionByZero);
}

TEST(Evaluator, CaseAndCoalesceAreLazy) {
  const Batch batch = divisors();
  const ExprPtr expr = node_of(Kind::kCase, oid::kInt8,
      list(call(less(), column(1), constant(Datum::int8(1))), constant(Datum::int8(-1)),
           call(divide(), column(0), column(1))));
  const auto result = evaluate(*expr, batch);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const int64_t want[] = {5, -1, 10, -1};
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(result->datum(i), Datum::int8(want[i]));

  Batch nulls = batch;
  nulls.columns.push_back(int8s({1, 7, 1, 8}));
  Vector first = Vector::flat(oid::kInt8, 4);
  first.set_null(0);
  first.data<int64_t>()[1] = 70;
  first.set_null(2);
  first.data<int64_t>()[3] = 80;
  nulls.columns[2] = first;
  const ExprPtr coalesce = node_of(Kind::kCoalesce, oid::kInt8,
                                   list(column(2), call(divide(), column(0), column(1))));
  const auto filled = evaluate(*coalesce, nulls);
  ASSERT_TRUE(filled.ok()) << filled.error().message;
  const int64_t want_filled[] = {5, 70, 10, 80};
  for (uint32_t i = 0; i < 4; ++i) EXPECT_EQ(filled->datum(i), Datum::int8(want_filled[i]));
}

TEST(Evaluator, ConstantsStayConstantAndDictionariesFallBackToRows) {
  Batch batch;
  batch.size = 3;
  Vector values = int8s({2, 0});
  std::shared_ptr<uint32_t[]> ids(new uint32_t[3]{0, 0, 0});
  batch.columns = {Vector::dictionary(values, ids, 3)};
  const ExprPtr constant_call = call(divide(), constant(Datum::int8(9)), constant(Datum::int8(2)));
  const auto constant_result = evaluate(*constant_call, batch);
  ASSERT_TRUE(constant_result.ok());
  EXPECT_EQ(constant_result->form(), Vector::Form::kConstant);
  EXPECT_EQ(constant_result->datum(2), Datum::int8(4));
  // 0 is in the dictionary but in no row.
  const ExprPtr by_column = call(divide(), constant(Datum::int8(9)), column(0));
  const auto result = evaluate(*by_column, batch);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->datum(1), Datum::int8(4));
}

TEST(Evaluator, InListKnowsNull) {
  Batch batch;
  batch.size = 3;
  batch.columns = {int8s({1, 2, 3})};
  ExprPtr in = node_of(Kind::kInList, oid::kBool,
                       list(column(0), constant(Datum::int8(2)), constant(Datum::null(oid::kInt8))));
  in->function = &equals();
  const auto result = evaluate(*in, batch);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->is_null(0));
  EXPECT_EQ(result->datum(1), Datum::boolean(true));
  EXPECT_TRUE(result->is_null(2));
}

void* run_deep(void* argument) {
  const Expr& expr = *static_cast<Expr*>(argument);
  Batch batch;
  batch.size = 2;
  batch.columns = {int8s({1, 2})};
  const auto result = evaluate(expr, batch);
  const bool good = result.ok() ? result->size() == 2 : result.error().code == sqlstate::kStatementTooComplex;
  return good ? argument : nullptr;
}

TEST(Evaluator, DeepExpressionsFitASmallStack) {
  ExprPtr expr = column(0);
  for (int i = 0; i < kExpressionDepthMax - 1; ++i) {
    if (i % 2 == 0) {
      expr = call(divide(), std::move(expr), constant(Datum::int8(1)));
    } else {
      expr = node_of(Kind::kCoalesce, oid::kInt8, list(std::move(expr), constant(Datum::int8(1))));
    }
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, size_t{1} << 20);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, run_deep, expr.get()), 0);
  void* result = nullptr;
  pthread_join(thread, &result);
  pthread_attr_destroy(&attributes);
  EXPECT_NE(result, nullptr);
}

}  // namespace
}  // namespace eventd::engine::testing
