// AND, OR, NOT, IS …: three-valued logic.
#include <memory>
#include <numeric>

#include "engine/exec/expr_node.h"

namespace eventd::engine {

namespace {

/// What an AND or OR keeps while its operands narrow the open rows.
struct LogicState {
  Vector operand;
  std::vector<uint32_t> open;
  std::vector<uint8_t> null_seen;
};

/// 0 false, 1 true, 2 unknown.
uint8_t truth(const VectorView<uint8_t>& values, uint32_t row) {
  return values.valid(row) ? (values[row] != 0 ? 1 : 0) : 2;
}

bool truth_test(Expr::Kind kind, uint8_t value) {
  switch (kind) {
    case Expr::Kind::kIsTrue: return value == 1;
    case Expr::Kind::kIsNotTrue: return value != 1;
    case Expr::Kind::kIsFalse: return value == 0;
    case Expr::Kind::kIsNotFalse: return value != 0;
    case Expr::Kind::kIsUnknown: return value == 2;
    default: return value != 2;
  }
}

}  // namespace

Status evaluate_and_or(const ExprNode& node, const EvalInput& input, Vector& out) {
  const uint32_t rows = input.batch.size;
  // An operand equal to `decisive` settles the row whatever the others say.
  const uint8_t decisive = node.expr->kind == Expr::Kind::kAnd ? 0 : 1;
  const auto state = std::make_unique<LogicState>();
  state->open.resize(rows);
  std::iota(state->open.begin(), state->open.end(), 0U);
  state->null_seen.assign(rows, 0);
  out = Vector::flat(oid::kBool, rows);
  uint8_t* result = out.data<uint8_t>();
  std::fill_n(result, rows, static_cast<uint8_t>(decisive ^ 1));

  for (const ExprNode& child : node.children) {
    const uint32_t count = static_cast<uint32_t>(state->open.size());
    if (count == 0) break;
    RETURN_IF_ERROR(evaluate_rows(child, input, state->open.data(), count, state->operand));
    const VectorView<uint8_t> values = state->operand.view<uint8_t>();
    uint32_t* open = state->open.data();
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = open[i];
      const uint8_t value = truth(values, i);
      if (value == decisive) {
        result[row] = decisive;
        continue;
      }
      state->null_seen[row] |= value >> 1;
      open[left++] = row;
    }
    state->open.resize(left);
  }
  for (const uint32_t row : state->open) {
    if (state->null_seen[row] != 0) out.set_null(row);
  }
  return {};
}

Status evaluate_truth_test(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto operand = std::make_unique<Vector>();
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, *operand));
  const Expr::Kind kind = node.expr->kind;
  const bool constant = operand->form() == Vector::Form::kConstant;
  const uint32_t rows = constant ? 1 : input.batch.size;
  Vector result = Vector::flat(oid::kBool, rows);
  uint8_t* to = result.data<uint8_t>();
  if (kind == Expr::Kind::kIsNull || kind == Expr::Kind::kIsNotNull) {
    const uint8_t when_null = kind == Expr::Kind::kIsNull ? 1 : 0;
    for (uint32_t i = 0; i < rows; ++i) {
      to[i] = operand->is_null(i) ? when_null : when_null ^ 1;
    }
  } else {
    const VectorView<uint8_t> values = operand->view<uint8_t>();
    for (uint32_t i = 0; i < rows; ++i) {
      const uint8_t value = truth(values, i);
      if (kind != Expr::Kind::kNot) {
        to[i] = truth_test(kind, value) ? 1 : 0;
      } else if (value == 2) {
        result.set_null(i);
        to[i] = 0;
      } else {
        to[i] = value ^ 1;
      }
    }
  }
  out = constant ? Vector::repeat(result, 0, input.batch.size) : std::move(result);
  return {};
}

Status evaluate_distinct(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto operands = std::make_unique<std::vector<Vector>>(3);
  Vector& left = (*operands)[0];
  Vector& right = (*operands)[1];
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, left));
  RETURN_IF_ERROR(evaluate_node(node.children[1], input, right));
  const uint8_t when_distinct = node.expr->kind == Expr::Kind::kIsDistinct ? 1 : 0;
  const uint32_t rows = input.batch.size;
  Vector equal;
  if (node.function != nullptr) {
    RETURN_IF_ERROR(call_function(node, {left, right}, {oid::kBool, -1}, rows, input.context, equal));
  }
  out = Vector::flat(oid::kBool, rows);
  uint8_t* to = out.data<uint8_t>();
  for (uint32_t i = 0; i < rows; ++i) {
    const bool left_null = left.is_null(i), right_null = right.is_null(i);
    bool distinct;
    if (left_null || right_null) {
      distinct = left_null != right_null;
    } else if (node.function != nullptr) {
      distinct = truth(equal.view<uint8_t>(), i) != 1;
    } else {
      distinct = !values_equal(left, i, right, i);
    }
    to[i] = distinct ? when_distinct : when_distinct ^ 1;
  }
  return {};
}

}  // namespace eventd::engine
