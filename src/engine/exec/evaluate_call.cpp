// Dispatch over node kinds; function calls.
#include <memory>

#include "engine/exec/batch_bytes.h"
#include "engine/exec/expr_node.h"
#include "engine/payload/msgpack_path.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {

namespace {

/// Runs the kernel over one row of constant arguments: the result stands for all rows.
Status call_constant(const ExprNode& node, std::vector<Vector> arguments, Type type, uint32_t rows,
                     const EvalContext& context, Vector& out) {
  for (Vector& argument : arguments) argument.set_size(1);
  Vector one;
  RETURN_IF_ERROR(node.function->kernel(
      CallFrame{context, arguments, 1, type, node.state.get()}, one));
  out = Vector::repeat(one, 0, rows);
  return {};
}

/// The one Dictionary argument when all others are constant and it has no more values than there
/// are rows; -1 otherwise.
int dictionary_argument(const std::vector<Vector>& arguments, uint32_t rows) {
  int found = -1;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].form() == Vector::Form::kConstant) continue;
    if (found >= 0 || arguments[i].form() != Vector::Form::kDictionary) return -1;
    found = static_cast<int>(i);
  }
  if (found < 0 || arguments[static_cast<size_t>(found)].dictionary_values().size() > rows) return -1;
  return found;
}

/// Runs the kernel over the distinct values. False when it failed: a value no row refers to may be
/// the one that fails, so the rows decide.
bool call_dictionary(const ExprNode& node, const std::vector<Vector>& arguments, size_t which,
                     Type type, const EvalContext& context, Vector& out) {
  const Vector& dictionary = arguments[which];
  const uint32_t count = dictionary.dictionary_values().size();
  std::vector<Vector> values = arguments;
  values[which] = dictionary.dictionary_values();
  for (Vector& value : values) value.set_size(count);
  Vector result;
  const Status status =
      node.function->kernel(CallFrame{context, values, count, type, node.state.get()}, result);
  if (!status.ok()) return false;
  out = dictionary.with_dictionary_values(result);
  return true;
}

Status evaluate_call(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto arguments = std::make_unique<std::vector<Vector>>(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    const size_t before = HeapMeter::bytes();
    RETURN_IF_ERROR(evaluate_node(node.children[i], input, (*arguments)[i]));
    HeapMeter::settle(before, (*arguments)[i].memory_bytes());
    RETURN_IF_ERROR(check_batch_bytes(input.context, input.batch.size));
  }
  return call_function(node, *arguments, node.expr->type, input.batch.size, input.context, out);
}

/// payload #>> path or #> path.
Status evaluate_payload_path(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto operand = std::make_unique<Vector>();
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, *operand));
  const bool constant = operand->form() == Vector::Form::kConstant;
  const uint32_t rows = constant ? 1 : input.batch.size;
  Vector result = Vector::flat(node.expr->type.id, rows);
  const VectorView<StringRef> values = operand->view<StringRef>();
  if (!node.expr->path_as_text) result.share_heaps(*operand);
  std::string buffer;
  for (uint32_t i = 0; i < rows; ++i) {
    if (!values.valid(i)) {
      result.set_null(i);
      continue;
    }
    const ByteSpan bytes = as_bytes(values[i].view());
    if (node.expr->path_as_text) {
      buffer.clear();
      if (append_path_text(bytes, node.expr->path, buffer)) {
        result.set_string(i, buffer);
      } else {
        result.set_null(i);
      }
    } else if (const auto found = find_path(bytes, node.expr->path)) {
      const std::string_view text = as_text(*found);
      result.data<StringRef>()[i] = {text.data(), static_cast<uint32_t>(text.size())};
    } else {
      result.set_null(i);
    }
  }
  out = constant ? Vector::repeat(result, 0, input.batch.size) : std::move(result);
  return {};
}

}  // namespace

Status call_function(const ExprNode& node, const std::vector<Vector>& arguments, Type type,
                     uint32_t rows, const EvalContext& context, Vector& out) {
  if (node.function->volatility != Volatility::kVolatile) {
    bool constant = true;
    for (const Vector& argument : arguments) {
      constant = constant && argument.form() == Vector::Form::kConstant;
    }
    if (constant) return call_constant(node, arguments, type, rows, context, out);
    const int which = dictionary_argument(arguments, rows);
    if (which >= 0 && node.function->volatility == Volatility::kImmutable &&
        call_dictionary(node, arguments, static_cast<size_t>(which), type, context, out)) {
      return {};
    }
  }
  return node.function->kernel(CallFrame{context, arguments, rows, type, node.state.get()}, out);
}

Status evaluate_node(const ExprNode& node, const EvalInput& input, Vector& out) {
  // The thread that evaluates may have less stack than the one that compiled.
  if (!node.children.empty()) RETURN_IF_ERROR(check_stack_depth());
  switch (node.expr->kind) {
    case Expr::Kind::kColumn:
      out = input.batch.columns[static_cast<size_t>(node.expr->index)];
      return {};
    case Expr::Kind::kConstant:
      out = node.constant;
      out.set_size(input.batch.size);
      return {};
    case Expr::Kind::kCall: return evaluate_call(node, input, out);
    case Expr::Kind::kRelabel:
      RETURN_IF_ERROR(evaluate_node(node.children[0], input, out));
      out.set_type(node.expr->type.id);
      return {};
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr: return evaluate_and_or(node, input, out);
    case Expr::Kind::kNot:
    case Expr::Kind::kIsNull:
    case Expr::Kind::kIsNotNull:
    case Expr::Kind::kIsTrue:
    case Expr::Kind::kIsNotTrue:
    case Expr::Kind::kIsFalse:
    case Expr::Kind::kIsNotFalse:
    case Expr::Kind::kIsUnknown:
    case Expr::Kind::kIsNotUnknown: return evaluate_truth_test(node, input, out);
    case Expr::Kind::kIsDistinct:
    case Expr::Kind::kIsNotDistinct: return evaluate_distinct(node, input, out);
    case Expr::Kind::kCase: return evaluate_case(node, input, out);
    case Expr::Kind::kCoalesce: return evaluate_coalesce(node, input, out);
    case Expr::Kind::kNullIf: return evaluate_null_if(node, input, out);
    case Expr::Kind::kGreatest:
    case Expr::Kind::kLeast: return evaluate_greatest_least(node, input, out);
    case Expr::Kind::kInList: return evaluate_in_list(node, input, out);
    case Expr::Kind::kAnyArray:
    case Expr::Kind::kAllArray: return evaluate_any_all(node, input, out);
    case Expr::Kind::kArray: return evaluate_array(node, input, out);
    case Expr::Kind::kRow: return evaluate_row(node, input, out);
    case Expr::Kind::kField: return evaluate_field(node, input, out);
    case Expr::Kind::kPayloadPath: return evaluate_payload_path(node, input, out);
    case Expr::Kind::kSubquery: return evaluate_subquery(node, input, out);
    case Expr::Kind::kOuter:
    case Expr::Kind::kParameter: break;  // compile() refuses it
  }
  return {sqlstate::kInternalError, "expression without an evaluator"};
}

Status evaluate_rows(const ExprNode& node, const EvalInput& input, const uint32_t* rows,
                     uint32_t count, Vector& out) {
  if (count == input.batch.size) return evaluate_node(node, input, out);
  // Only the columns this operand reads are narrowed; the others stay empty.
  const auto narrowed = std::make_unique<std::pair<Batch, Batch>>();
  for (const int column : node.columns) {
    narrowed->first.columns.push_back(input.batch.columns[static_cast<size_t>(column)]);
  }
  Batch selected = narrowed->first.select(rows, count);
  Batch& wide = narrowed->second;
  wide.size = count;
  wide.columns.resize(input.batch.columns.size());
  for (size_t i = 0; i < node.columns.size(); ++i) {
    wide.columns[static_cast<size_t>(node.columns[i])] = std::move(selected.columns[i]);
  }
  return evaluate_node(node, EvalInput{wide, input.context}, out);
}

}  // namespace eventd::engine
