#include "engine/vector/vector.h"

#include <gtest/gtest.h>

#include <string>

namespace eventd::engine {
namespace {

Vector int8s(std::initializer_list<int64_t> values) {
  Vector vector = Vector::flat(oid::kInt8, static_cast<uint32_t>(values.size()));
  uint32_t row = 0;
  for (const int64_t value : values) vector.data<int64_t>()[row++] = value;
  return vector;
}

std::shared_ptr<const uint32_t[]> ids(std::initializer_list<uint32_t> values) {
  std::shared_ptr<uint32_t[]> result(new uint32_t[values.size()]);
  std::copy(values.begin(), values.end(), result.get());
  return result;
}

TEST(StringHeap, KeepsEveryValueWhereItIs) {
  StringHeap heap;
  std::vector<StringRef> refs;
  std::vector<std::string> texts;
  for (size_t i = 0; i < 5000; ++i) {
    texts.push_back(std::string(i % 97, static_cast<char>('a' + i % 26)));
    refs.push_back(heap.add(texts.back()));
  }
  const std::string large(3 << 20, 'x');
  const StringRef large_ref = heap.add(large);
  for (size_t i = 0; i < refs.size(); ++i) ASSERT_EQ(refs[i].view(), texts[i]) << i;
  EXPECT_EQ(large_ref.view(), large);
  EXPECT_GE(heap.bytes_allocated(), large.size());
  EXPECT_NE(heap.add("").data, nullptr);
}

TEST(Vector, FlatHoldsValuesAndNulls) {
  Vector vector = int8s({5, 6, 7});
  EXPECT_TRUE(vector.view<int64_t>().all_valid());
  vector.set_null(1);
  const auto view = vector.view<int64_t>();
  EXPECT_FALSE(view.all_valid());
  EXPECT_TRUE(view.valid(0));
  EXPECT_FALSE(view.valid(1));
  EXPECT_EQ(view[2], 7);
  EXPECT_EQ(vector.datum(0), Datum::int8(5));
  EXPECT_TRUE(vector.datum(1).is_null());
  EXPECT_EQ(vector.datum(1).type(), oid::kInt8);
}

TEST(Vector, ConstantStandsForEveryRow) {
  Vector vector = Vector::constant(Datum::text("abc"), 1000);
  EXPECT_EQ(vector.view<StringRef>()[999].view(), "abc");
  vector.set_size(5000);
  EXPECT_EQ(vector.view<StringRef>()[4999].view(), "abc");
  EXPECT_FALSE(vector.all_null_constant());
  const Vector null = Vector::null_constant(oid::kText, 10);
  EXPECT_TRUE(null.all_null_constant());
  EXPECT_TRUE(null.is_null(9));
  EXPECT_EQ(null.view<StringRef>()[9].size, 0U) << "a NULL row's StringRef is readable";
}

TEST(Vector, DictionariesCompose) {
  Vector values = int8s({10, 20, 30});
  values.set_null(2);
  const Vector once = Vector::dictionary(values, ids({2, 1, 0, 1}), 4);
  const Vector twice = Vector::dictionary(once, ids({3, 0, 2}), 3);
  ASSERT_EQ(twice.form(), Vector::Form::kDictionary);
  EXPECT_EQ(twice.dictionary_values().form(), Vector::Form::kFlat);
  EXPECT_EQ(twice.values_identity(), values.values_identity());
  EXPECT_EQ(twice.datum(0), Datum::int8(20));
  EXPECT_TRUE(twice.is_null(1));
  EXPECT_FALSE(twice.view<int64_t>().valid(1));
  EXPECT_EQ(twice.datum(2), Datum::int8(10));
  const Vector constant = Vector::dictionary(Vector::constant(Datum::int8(7), 9), ids({8, 0}), 2);
  EXPECT_EQ(constant.form(), Vector::Form::kConstant);
  EXPECT_EQ(constant.size(), 2U);
  EXPECT_EQ(constant.datum(1), Datum::int8(7));
}

TEST(Vector, FlattenedReadsTheSame) {
  Vector values = Vector::flat(oid::kText, 2);
  values.set_string(0, "first");
  values.set_null(1);
  Vector flat;
  {
    const Vector dictionary = Vector::dictionary(values, ids({1, 0, 0}), 3);
    flat = dictionary.flattened();
    values = Vector();
  }
  EXPECT_EQ(flat.form(), Vector::Form::kFlat);
  EXPECT_TRUE(flat.is_null(0));
  EXPECT_EQ(flat.view<StringRef>()[2].view(), "first") << "the heap lives on";
  EXPECT_EQ(Vector::constant(Datum::boolean(true), 3).flattened().datum(2), Datum::boolean(true));
}

TEST(Vector, RepeatTakesOneRow) {
  Vector values = Vector::flat(oid::kText, 2);
  values.set_string(0, "kept");
  values.set_null(1);
  Vector repeated = Vector::repeat(values, 0, 100);
  const Vector null = Vector::repeat(values, 1, 3);
  values = Vector();
  EXPECT_EQ(repeated.view<StringRef>()[99].view(), "kept");
  EXPECT_TRUE(null.all_null_constant());
}

TEST(Vector, EveryPhysicalGoesThroughDatum) {
  const Datum values[] = {
      Datum::boolean(true), {oid::kInt2, int16_t{-3}}, Datum::int4(1 << 20), Datum::int8(-1),
      {oid::kFloat4, 1.5F}, Datum::float8(-0.25), {oid::kUuid, UuidValue{{1, 2, 3}}},
      {oid::kInterval, IntervalValue{1, 2, 3}}, {oid::kTimetz, TimetzValue{4, 5}}, Datum::text("")};
  for (const Datum& value : values) {
    Vector vector = Vector::flat(value.type(), 3);
    vector.set_datum(1, value);
    vector.set_null(2);
    EXPECT_EQ(vector.datum(1), value);
    EXPECT_EQ(Vector::constant(value, 4).datum(3), value);
    EXPECT_TRUE(vector.datum(2).is_null());
  }
}

TEST(Batch, SelectSharesIdsAndValues) {
  Batch batch;
  batch.size = 4;
  batch.columns = {int8s({1, 2, 3, 4}), Vector::constant(Datum::int8(9), 4), int8s({5, 6, 7, 8})};
  const uint32_t first[] = {0, 2, 3};
  const Batch once = batch.select(first, 3);
  const uint32_t second[] = {2, 0};
  const Batch twice = once.select(second, 2);
  EXPECT_EQ(twice.size, 2U);
  EXPECT_EQ(twice.columns[0].datum(0), Datum::int8(4));
  EXPECT_EQ(twice.columns[0].datum(1), Datum::int8(1));
  EXPECT_EQ(twice.columns[1].datum(1), Datum::int8(9));
  EXPECT_EQ(twice.columns[2].datum(0), Datum::int8(8));
  EXPECT_EQ(twice.columns[0].dictionary_ids(), twice.columns[2].dictionary_ids());
  Batch no_columns;
  no_columns.size = 10;
  EXPECT_EQ(no_columns.select(second, 2).size, 2U);
  EXPECT_EQ(batch.select(first, 0).columns[0].size(), 0U);
}

TEST(BatchBuilder, TakesRowsAndStartsAgain) {
  BatchBuilder builder({oid::kInt8, oid::kText});
  const uint32_t row = builder.add_row();
  builder.column(0).data<int64_t>()[row] = 3;
  builder.column(1).set_null(row);
  const Batch first = builder.take();
  EXPECT_EQ(builder.size(), 0U);
  for (uint32_t i = 0; !builder.full(); ++i) {
    if (i % 2 == 0) {
      builder.append(first, 0);
    } else {
      const uint32_t at = builder.add_row();
      builder.column(0).data<int64_t>()[at] = i;
      builder.column(1).set_string(at, std::to_string(i));
    }
  }
  const Batch full = builder.take();
  ASSERT_EQ(full.size, kBatchRows);
  EXPECT_EQ(full.columns[0].datum(0), Datum::int8(3));
  EXPECT_TRUE(full.columns[1].is_null(0));
  EXPECT_EQ(full.columns[1].datum(kBatchRows - 1), Datum::text(std::to_string(kBatchRows - 1)));
  EXPECT_FALSE(first.columns[0].is_null(0)) << "a batch given out is not written to";
}

TEST(Vector, MemoryCountsDataAndStrings) {
  Vector vector = Vector::flat(oid::kText, 100);
  const size_t empty = vector.memory_bytes();
  EXPECT_GE(empty, 100 * sizeof(StringRef));
  vector.set_string(0, std::string(100'000, 'x'));
  EXPECT_GE(vector.memory_bytes(), empty + 100'000);
}

}  // namespace
}  // namespace eventd::engine
