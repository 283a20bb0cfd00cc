// Relations of any values, and joins done the plain way, for the executor's tests.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "exec_fakes.h"

namespace eventd::engine::testing {

using Row = std::vector<Datum>;

/// A relation of rows, `per_morsel` a batch.
inline std::unique_ptr<FakeRelation> rows_relation(const std::vector<Oid>& types, const std::vector<Row>& rows,
                                                   size_t per_morsel = 100) {
  auto relation = std::make_unique<FakeRelation>();
  for (size_t c = 0; c < types.size(); ++c) {
    relation->columns_.push_back({"c" + std::to_string(c), {types[c], -1}, false});
  }
  relation->morsels = (rows.size() + per_morsel - 1) / per_morsel;
  relation->rows = static_cast<double>(rows.size());
  relation->make = [types, rows, per_morsel](size_t morsel) -> Result<Batch> {
    BatchBuilder builder(types);
    for (size_t i = morsel * per_morsel; i < std::min(rows.size(), (morsel + 1) * per_morsel); ++i) {
      const uint32_t row = builder.add_row();
      for (size_t c = 0; c < types.size(); ++c) builder.column(c).set_datum(row, rows[i][c]);
    }
    return builder.take();
  };
  return relation;
}

/// The operator of the catalog, by name.
inline ExprPtr operation(std::string_view name, ExprPtr a, ExprPtr b) {
  const Operator* found = FunctionCatalog::instance().find_operator(name, a->type.id, b->type.id);
  return Expr::call(found->function, {found->function->result, -1}, list(std::move(a), std::move(b)));
}

inline ExprPtr both(ExprPtr a, ExprPtr b) {
  return node_of(Expr::Kind::kAnd, oid::kBool, list(std::move(a), std::move(b)));
}

inline PlanPtr join_of(JoinType type, PlanPtr left, PlanPtr right, ExprPtr condition) {
  auto plan = std::make_unique<PlanNode>(PlanNode::Kind::kJoin);
  plan->join_type = type;
  plan->columns = left->columns;
  if (type != JoinType::kSemi && type != JoinType::kAnti) {
    plan->columns.insert(plan->columns.end(), right->columns.begin(), right->columns.end());
  }
  plan->children.push_back(std::move(left));
  plan->children.push_back(std::move(right));
  plan->condition = std::move(condition);
  return plan;
}

inline std::string text_of(const Row& row) {
  std::string text;
  for (const Datum& value : row) {
    text += value.is_null() ? "-" : datum_to_text({}, value);
    text += '|';
  }
  return text;
}

/// Rows as a multiset.
inline std::vector<std::string> sorted_text(const std::vector<Row>& rows) {
  std::vector<std::string> texts;
  for (const Row& row : rows) texts.push_back(text_of(row));
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// Tests every pair. `matches(left, right)`: whether the condition is true.
template <class Matches>
std::vector<Row> plain_join(JoinType type, const std::vector<Row>& left, const std::vector<Row>& right,
                            const std::vector<Oid>& left_types, const std::vector<Oid>& right_types,
                            const Matches& matches) {
  std::vector<Row> result;
  std::vector<bool> right_matched(right.size());
  const auto nulls = [](const std::vector<Oid>& types) {
    Row row;
    for (const Oid type_id : types) row.push_back(Datum::null(type_id));
    return row;
  };
  const auto add = [&](Row a, const Row& b) {
    a.insert(a.end(), b.begin(), b.end());
    result.push_back(std::move(a));
  };
  for (const Row& a : left) {
    bool matched = false;
    for (size_t j = 0; j < right.size(); ++j) {
      if (!matches(a, right[j])) continue;
      right_matched[j] = true;
      if (!matched && type == JoinType::kSemi) result.push_back(a);
      matched = true;
      if (type != JoinType::kSemi && type != JoinType::kAnti) add(a, right[j]);
    }
    if (matched) continue;
    if (type == JoinType::kAnti) result.push_back(a);
    if (type == JoinType::kLeft || type == JoinType::kFull) add(a, nulls(right_types));
  }
  if (type == JoinType::kRight || type == JoinType::kFull) {
    for (size_t j = 0; j < right.size(); ++j) {
      if (!right_matched[j]) add(nulls(left_types), right[j]);
    }
  }
  return result;
}

inline constexpr JoinType kJoinTypes[] = {JoinType::kInner, JoinType::kLeft, JoinType::kRight,
                                          JoinType::kFull,  JoinType::kSemi, JoinType::kAnti};

}  // namespace eventd::engine::testing
