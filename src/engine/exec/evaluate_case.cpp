// CASE, COALESCE, NULLIF, GREATEST, LEAST.
#include <memory>
#include <numeric>

#include "engine/exec/expr_node.h"
#include "engine/exec/vector_scatter.h"

namespace eventd::engine {

namespace {

/// Rows still to be given a value, those taken by the current branch, and its vectors.
struct BranchState {
  explicit BranchState(uint32_t rows) : open(rows) { std::iota(open.begin(), open.end(), 0U); }
  std::vector<uint32_t> open, taken, positions;
  Vector condition, value;

  uint32_t open_count() const { return static_cast<uint32_t>(open.size()); }
  /// Gives `value` (one a taken row) to the taken rows of `out`, made when first needed. When the
  /// branch takes the whole batch, its vector is the result as it is.
  void store(Type type, uint32_t rows, Vector& out, bool& started) {
    const uint32_t count = static_cast<uint32_t>(taken.size());
    if (!started && count == rows) {
      out = value;
      out.set_type(type.id);
      started = true;
      return;
    }
    if (!started) out = Vector::flat(type.id, rows);
    started = true;
    scatter(value, taken.data(), count, out);
  }
};

/// The rows nobody took are NULL.
void finish_nulls(const BranchState& state, Type type, uint32_t rows, Vector& out, bool started) {
  if (!started) {
    out = Vector::null_constant(type.id, rows);
    return;
  }
  for (const uint32_t row : state.open) out.set_null(row);
}

}  // namespace

Status evaluate_case(const ExprNode& node, const EvalInput& input, Vector& out) {
  const uint32_t rows = input.batch.size;
  const Type type = node.expr->type;
  const auto state = std::make_unique<BranchState>(rows);
  bool started = false;
  size_t branch = 0;
  for (; branch + 1 < node.children.size() && !state->open.empty(); branch += 2) {
    RETURN_IF_ERROR(evaluate_rows(node.children[branch], input, state->open.data(),
                                  state->open_count(), state->condition));
    const VectorView<uint8_t> condition = state->condition.view<uint8_t>();
    state->taken.clear();
    uint32_t left = 0;
    for (uint32_t i = 0; i < state->open_count(); ++i) {
      const uint32_t row = state->open[i];
      if (condition.valid(i) && condition[i] != 0) {
        state->taken.push_back(row);
      } else {
        state->open[left++] = row;
      }
    }
    state->open.resize(left);
    if (state->taken.empty()) continue;
    RETURN_IF_ERROR(evaluate_rows(node.children[branch + 1], input, state->taken.data(),
                                  static_cast<uint32_t>(state->taken.size()), state->value));
    state->store(type, rows, out, started);
  }
  if (!state->open.empty() && node.children.size() % 2 == 1) {
    state->taken.swap(state->open);
    state->open.clear();
    RETURN_IF_ERROR(evaluate_rows(node.children.back(), input, state->taken.data(),
                                  static_cast<uint32_t>(state->taken.size()), state->value));
    state->store(type, rows, out, started);
  }
  finish_nulls(*state, type, rows, out, started);
  return {};
}

Status evaluate_coalesce(const ExprNode& node, const EvalInput& input, Vector& out) {
  const uint32_t rows = input.batch.size;
  const Type type = node.expr->type;
  const auto state = std::make_unique<BranchState>(rows);
  bool started = false;
  for (const ExprNode& child : node.children) {
    if (state->open.empty()) break;
    RETURN_IF_ERROR(
        evaluate_rows(child, input, state->open.data(), state->open_count(), state->condition));
    state->taken.clear();
    state->positions.clear();
    uint32_t left = 0;
    for (uint32_t i = 0; i < state->open_count(); ++i) {
      const uint32_t row = state->open[i];
      if (state->condition.is_null(i)) {
        state->open[left++] = row;
      } else {
        state->taken.push_back(row);
        state->positions.push_back(i);
      }
    }
    state->open.resize(left);
    if (state->taken.empty()) continue;
    const uint32_t count = static_cast<uint32_t>(state->taken.size());
    if (!started && count == rows) {
      out = state->condition;
      out.set_type(type.id);
      return {};
    }
    if (!started) out = Vector::flat(type.id, rows);
    started = true;
    scatter(state->condition, state->positions.data(), state->taken.data(), count, out);
  }
  finish_nulls(*state, type, rows, out, started);
  return {};
}

Status evaluate_null_if(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto vectors = std::make_unique<std::vector<Vector>>(2);
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, (*vectors)[0]));
  RETURN_IF_ERROR(evaluate_node(node.children[1], input, (*vectors)[1]));
  const uint32_t rows = input.batch.size;
  const auto equal = std::make_unique<Vector>();
  RETURN_IF_ERROR(
      call_function(node, *vectors, {oid::kBool, -1}, rows, input.context, *equal));
  const VectorView<uint8_t> is_equal = equal->view<uint8_t>();
  const auto same = [&](uint32_t i) { return is_equal.valid(i) && is_equal[i] != 0; };
  uint32_t first = 0;
  while (first < rows && !same(first)) ++first;
  if (first == rows) {
    out = std::move((*vectors)[0]);
    return {};
  }
  // flattened() may share a flat vector's buffers, and they are not ours to write.
  std::vector<uint32_t> ids(rows);
  std::iota(ids.begin(), ids.end(), 0U);
  out = Vector::flat(node.expr->type.id, rows);
  scatter((*vectors)[0], ids.data(), rows, out);
  for (uint32_t i = first; i < rows; ++i) {
    if (same(i)) out.set_null(i);
  }
  return {};
}

Status evaluate_greatest_least(const ExprNode& node, const EvalInput& input, Vector& out) {
  const uint32_t rows = input.batch.size;
  const Oid type = node.expr->type.id;
  const int wanted = node.expr->kind == Expr::Kind::kGreatest ? 1 : -1;
  const auto values = std::make_unique<std::vector<Vector>>(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    RETURN_IF_ERROR(evaluate_node(node.children[i], input, (*values)[i]));
  }
  constexpr uint32_t kNone = ~uint32_t{0};
  std::vector<uint32_t> best(rows, kNone);
  for (uint32_t a = 0; a < values->size(); ++a) {
    const Vector& vector = (*values)[a];
    for (uint32_t i = 0; i < rows; ++i) {
      if (vector.is_null(i)) continue;
      if (best[i] == kNone) {
        best[i] = a;
        continue;
      }
      const int order = compare_values(type, vector, i, (*values)[best[i]], i);
      if (order * wanted > 0) best[i] = a;
    }
  }
  out = Vector::flat(type, rows);
  std::vector<uint32_t> ids;
  for (uint32_t a = 0; a < values->size(); ++a) {
    ids.clear();
    for (uint32_t i = 0; i < rows; ++i) {
      if (best[i] == a) ids.push_back(i);
    }
    if (!ids.empty()) {
      scatter((*values)[a], ids.data(), ids.data(), static_cast<uint32_t>(ids.size()), out);
    }
  }
  for (uint32_t i = 0; i < rows; ++i) {
    if (best[i] == kNone) out.set_null(i);
  }
  return {};
}

}  // namespace eventd::engine
