// Rows, calls and the definition of frames, for the tests of windows.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "engine/functions/function.h"
#include "exec_fakes.h"

namespace eventd::engine::testing {

using Bound = WindowFrame::Bound;
using Mode = WindowFrame::Mode;
using Exclusion = WindowFrame::Exclusion;
using OptionalInt = std::optional<int64_t>;

/// Columns of the test's relation.
enum WindowColumns { kPartition, kKey, kValue, kReal, kKeep, kId };

struct WindowRow {
  int64_t partition;
  OptionalInt key, value;
  double real;
  bool keep;
  int64_t id;
};

inline std::unique_ptr<FakeRelation> relation_of(std::shared_ptr<const std::vector<WindowRow>> rows, uint32_t per_morsel) {
  auto relation = std::make_unique<FakeRelation>();
  const std::vector<Oid> types{oid::kInt8, oid::kInt8, oid::kInt8, oid::kFloat8, oid::kBool, oid::kInt8};
  for (const Oid type : types) relation->columns_.push_back({"c", {type, -1}, false});
  relation->morsels = (rows->size() + per_morsel - 1) / per_morsel;
  relation->make = [rows, per_morsel, types](size_t morsel) -> Result<Batch> {
    BatchBuilder builder(types);
    const size_t end = std::min(rows->size(), (morsel + 1) * per_morsel);
    for (size_t i = morsel * per_morsel; i < end; ++i) {
      const WindowRow& row = (*rows)[i];
      const uint32_t at = builder.add_row();
      const auto set = [&](size_t column, const OptionalInt& value) {
        builder.column(column).set_datum(at, value ? Datum::int8(*value) : Datum::null(oid::kInt8));
      };
      set(kPartition, row.partition);
      set(kKey, row.key);
      set(kValue, row.value);
      builder.column(kReal).set_datum(at, Datum::float8(row.real));
      builder.column(kKeep).set_datum(at, Datum::boolean(row.keep));
      set(kId, row.id);
    }
    return builder.take();
  };
  return relation;
}

inline std::vector<WindowRow> random_rows(std::mt19937_64& random, size_t count, int64_t partitions, int64_t keys) {
  std::vector<WindowRow> rows;
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (size_t i = 0; i < count; ++i) {
    rows.push_back({below(partitions), below(8) == 0 ? OptionalInt() : OptionalInt(below(keys)),
                    below(6) == 0 ? OptionalInt() : OptionalInt(below(1000) - 500),
                    static_cast<double>(below(1'000'000)) / 997, below(3) > 0, static_cast<int64_t>(i)});
  }
  return rows;
}

inline const AggregateFunction* aggregate_named(std::string_view name, std::vector<Oid> arguments) {
  for (const AggregateFunction* function : FunctionCatalog::instance().aggregates(name)) {
    if (function->arguments == arguments) return function;
  }
  ADD_FAILURE() << "no aggregate " << name;
  return nullptr;
}

inline const WindowFunction* window_named(std::string_view name, size_t arguments) {
  for (const WindowFunction* function : FunctionCatalog::instance().window_functions(name)) {
    if (function->arguments.size() == arguments) return function;
  }
  ADD_FAILURE() << "no window function " << name;
  return nullptr;
}

struct WindowSpec {
  bool partitioned = true, ordered = true, descending = false, nulls_first = false;
};

inline PlanPtr window_over(PlanPtr child, const WindowSpec& spec) {
  PlanPtr plan = over(PlanNode::Kind::kWindow, std::move(child));
  if (spec.partitioned) plan->group_by.push_back(column(kPartition));
  if (spec.ordered) {
    SortKey key = key_of(column(kKey), spec.descending);
    key.nulls_first = spec.nulls_first;
    plan->sort_keys.push_back(std::move(key));
  }
  return plan;
}

inline WindowCall call_of(const AggregateFunction* aggregate, std::vector<ExprPtr> arguments, Oid type) {
  WindowCall call;
  call.aggregate = aggregate;
  call.arguments = std::move(arguments);
  call.type = {type, -1};
  return call;
}

inline WindowCall call_of(const WindowFunction* function, std::vector<ExprPtr> arguments, Oid type) {
  WindowCall call;
  call.function = function;
  call.arguments = std::move(arguments);
  call.type = {type, -1};
  return call;
}

inline void add_call(PlanNode& plan, WindowCall call) {
  plan.columns.push_back({"w", call.type});
  plan.window_calls.push_back(std::move(call));
}

/// The definition, row by row.
class FrameOracle {
 public:
  FrameOracle(std::vector<WindowRow> rows, const WindowSpec& spec) : rows_(std::move(rows)), spec_(spec) {
    std::stable_sort(rows_.begin(), rows_.end(), [&](const WindowRow& a, const WindowRow& b) {
      if (spec_.partitioned && a.partition != b.partition) return a.partition < b.partition;
      return spec_.ordered && compare(a, b) < 0;
    });
  }

  const std::vector<WindowRow>& rows() const { return rows_; }

  std::vector<size_t> frame(size_t i, const WindowFrame& frame, int64_t start, int64_t end) const {
    std::vector<size_t> result;
    size_t first = i, last = i;
    while (first > 0 && same_partition(first - 1, i)) --first;
    while (last + 1 < rows_.size() && same_partition(last + 1, i)) ++last;
    for (size_t j = first; j <= last; ++j) {
      if (!after_start(i, j, frame, start) || !before_end(i, j, frame, end)) continue;
      const bool peer = compare_keys(i, j) == 0;
      if (frame.exclusion == Exclusion::kCurrentRow && j == i) continue;
      if (frame.exclusion == Exclusion::kGroup && peer) continue;
      if (frame.exclusion == Exclusion::kTies && peer && j != i) continue;
      result.push_back(j);
    }
    return result;
  }

 private:
  int compare(const WindowRow& a, const WindowRow& b) const {
    if (!a.key || !b.key) {
      if (a.key.has_value() == b.key.has_value()) return 0;
      return (!a.key == spec_.nulls_first) ? -1 : 1;
    }
    const int order = *a.key < *b.key ? -1 : *a.key > *b.key ? 1 : 0;
    return spec_.descending ? -order : order;
  }
  int compare_keys(size_t i, size_t j) const { return spec_.ordered ? compare(rows_[j], rows_[i]) : 0; }
  bool same_partition(size_t a, size_t b) const {
    return !spec_.partitioned || rows_[a].partition == rows_[b].partition;
  }
  /// Groups from row i to row j, negative when j is before.
  int64_t group_distance(size_t i, size_t j) const {
    int64_t distance = 0;
    for (size_t k = std::min(i, j); k < std::max(i, j); ++k) distance += compare_keys(k, k + 1) != 0 ? 1 : 0;
    return j < i ? -distance : distance;
  }
  /// Where row j lies from row i, in the frame's own measure; with NULLs only their order counts.
  std::optional<int64_t> key_distance(size_t i, size_t j) const {
    if (!rows_[i].key || !rows_[j].key) return std::nullopt;
    const int64_t difference = *rows_[j].key - *rows_[i].key;
    return spec_.descending ? -difference : difference;
  }
  bool beyond(size_t i, size_t j, const WindowFrame& frame, Bound bound, int64_t offset, bool is_start) const {
    const int64_t wanted = bound == Bound::kCurrentRow ? 0 : bound == Bound::kOffsetPreceding ? -offset : offset;
    int64_t distance = 0;
    if (frame.mode == Mode::kRows) {
      distance = static_cast<int64_t>(j) - static_cast<int64_t>(i);
    } else if (frame.mode == Mode::kGroups) {
      distance = group_distance(i, j);
    } else if (bound == Bound::kCurrentRow) {
      distance = compare_keys(i, j);
    } else {
      const auto apart = key_distance(i, j);
      if (!apart) return compare_keys(i, j) == 0 || (compare_keys(i, j) > 0) == is_start;
      distance = *apart;
    }
    return is_start ? distance >= wanted : distance <= wanted;
  }
  bool after_start(size_t i, size_t j, const WindowFrame& frame, int64_t offset) const {
    return frame.start == Bound::kUnboundedPreceding || beyond(i, j, frame, frame.start, offset, true);
  }
  bool before_end(size_t i, size_t j, const WindowFrame& frame, int64_t offset) const {
    return frame.end == Bound::kUnboundedFollowing || beyond(i, j, frame, frame.end, offset, false);
  }

  std::vector<WindowRow> rows_;
  const WindowSpec spec_;
};

struct WantedValues {
  int64_t count = 0, kept = 0;
  std::optional<int64_t> sum, min, max, first, last, third;
  std::optional<double> real_sum, deviation;
  std::string ids;
};

inline WantedValues wanted_of(const std::vector<WindowRow>& rows, const std::vector<size_t>& frame) {
  WantedValues want;
  double mean = 0, squares = 0;
  for (size_t n = 0; n < frame.size(); ++n) {
    const WindowRow& row = rows[frame[n]];
    ++want.count;
    want.ids += std::to_string(row.id) + ",";
    if (n == 0) want.first = row.value;
    if (n == 2) want.third = row.value;
    want.last = row.value;
    if (row.keep) {
      ++want.kept;
      if (row.value) {
        want.min = std::min(want.min.value_or(*row.value), *row.value);
        want.max = std::max(want.max.value_or(*row.value), *row.value);
      }
    }
    if (row.value) want.sum = want.sum.value_or(0) + *row.value;
    want.real_sum = want.real_sum.value_or(0) + row.real;
    const double step = row.real - mean;
    mean += step / static_cast<double>(n + 1);
    squares += step * (row.real - mean);
  }
  if (frame.size() > 1) want.deviation = std::sqrt(squares / static_cast<double>(frame.size() - 1));
  return want;
}

inline void expect_integer(const Datum& got, const OptionalInt& want) {
  if (!want) {
    EXPECT_TRUE(got.is_null());
    return;
  }
  ASSERT_FALSE(got.is_null());
  if (got.type() == oid::kNumeric) {
    EXPECT_EQ(got.bytes(), std::to_string(*want));
  } else {
    EXPECT_EQ(got.as<int64_t>(), *want);
  }
}

inline void expect_real(const Datum& got, const std::optional<double>& want) {
  if (!want) {
    EXPECT_TRUE(got.is_null());
    return;
  }
  ASSERT_FALSE(got.is_null());
  EXPECT_NEAR(got.as<double>(), *want, 1e-9 * std::max(1.0, std::abs(*want)));
}

}  // namespace eventd::engine::testing
