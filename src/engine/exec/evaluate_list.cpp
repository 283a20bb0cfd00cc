// IN lists, ANY/ALL over arrays.
#include <memory>
#include <numeric>

#include "engine/exec/array_elements.h"
#include "engine/exec/expr_node.h"

namespace eventd::engine {

namespace {

/// `operand IN set`: one probe a row, or one a distinct value.
void probe_set(const ExprNode& node, const Vector& operand, uint32_t rows, Vector& out) {
  if (operand.form() == Vector::Form::kConstant && rows > 1) {
    Vector one = operand, result;
    one.set_size(1);
    probe_set(node, one, 1, result);
    out = Vector::repeat(result, 0, rows);
    return;
  }
  if (operand.form() == Vector::Form::kDictionary && operand.dictionary_values().size() <= rows) {
    Vector result;
    probe_set(node, operand.dictionary_values(), operand.dictionary_values().size(), result);
    out = operand.with_dictionary_values(result);
    return;
  }
  out = Vector::flat(oid::kBool, rows);
  uint8_t* to = out.data<uint8_t>();
  node.set->contains(operand, to);
  for (uint32_t i = 0; i < rows; ++i) {
    if (to[i] == 0 && (node.set_has_null || operand.is_null(i))) out.set_null(i);
  }
}

/// What ANY (OR) and ALL (AND) of comparisons add up to, row by row.
class Quantifier {
 public:
  Quantifier(uint32_t rows, bool any) : any_(any), decided_(rows, 0), null_seen_(rows, 0) {}

  void add(uint32_t row, bool is_null, bool value) {
    if (is_null) {
      null_seen_[row] = 1;
    } else if (value == any_) {
      decided_[row] = 1;
    }
  }
  /// Of a row whose array is NULL.
  void set_null(uint32_t row) { null_seen_[row] = 1; }
  bool decided(uint32_t row) const { return decided_[row] != 0; }
  Vector finish() const {
    const uint32_t rows = static_cast<uint32_t>(decided_.size());
    Vector out = Vector::flat(oid::kBool, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      out.data<uint8_t>()[i] = (decided_[i] != 0) == any_ ? 1 : 0;
      if (decided_[i] == 0 && null_seen_[i] != 0) out.set_null(i);
    }
    return out;
  }

 private:
  bool any_;
  std::vector<uint8_t> decided_, null_seen_;
};

/// Pairs (row, element) gathered up to a batch, compared in one call.
class PairComparer {
 public:
  PairComparer(const ExprNode& node, const Vector& left, const EvalContext& context,
               Quantifier& quantifier)
      : node_(node), left_(left), context_(context), quantifier_(quantifier) {}

  Status add_array(uint32_t row, const Vector& elements) {
    for (uint32_t first = 0; first < elements.size(); first += kBatchRows) {
      const uint32_t count = std::min(kBatchRows, elements.size() - first);
      if (quantifier_.decided(row)) break;
      // One row against many elements: the row's value is a constant.
      std::shared_ptr<uint32_t[]> ids(new uint32_t[count]);
      std::iota(ids.get(), ids.get() + count, first);
      const std::vector<Vector> arguments{Vector::repeat(left_, row, count),
                                          Vector::dictionary(elements, ids, count)};
      Vector result;
      RETURN_IF_ERROR(
          call_function(node_, arguments, {oid::kBool, -1}, count, context_, result));
      const VectorView<uint8_t> values = result.view<uint8_t>();
      for (uint32_t i = 0; i < count; ++i) {
        quantifier_.add(row, !values.valid(i), values.valid(i) && values[i] != 0);
      }
    }
    return {};
  }

  /// Every row against one element: the usual case of a constant array.
  Status add_element(const Vector& elements, uint32_t element) {
    const uint32_t rows = left_.size();
    const std::vector<Vector> arguments{left_, Vector::repeat(elements, element, rows)};
    Vector result;
    RETURN_IF_ERROR(call_function(node_, arguments, {oid::kBool, -1}, rows, context_, result));
    const VectorView<uint8_t> values = result.view<uint8_t>();
    for (uint32_t i = 0; i < rows; ++i) {
      quantifier_.add(i, !values.valid(i), values.valid(i) && values[i] != 0);
    }
    return {};
  }

 private:
  const ExprNode& node_;
  const Vector& left_;
  const EvalContext& context_;
  Quantifier& quantifier_;
};

}  // namespace

Status evaluate_in_list(const ExprNode& node, const EvalInput& input, Vector& out) {
  const uint32_t rows = input.batch.size;
  const auto vectors = std::make_unique<std::vector<Vector>>(3);
  Vector& operand = (*vectors)[0];
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, operand));
  if (node.set != nullptr) {
    probe_set(node, operand, rows, out);
    return {};
  }
  // Without a set: an OR of equalities, each over the rows still open.
  Quantifier quantifier(rows, true);
  std::vector<uint32_t> open(rows);
  std::iota(open.begin(), open.end(), 0U);
  for (size_t c = 1; c < node.children.size() && !open.empty(); ++c) {
    const uint32_t count = static_cast<uint32_t>(open.size());
    Vector& item = (*vectors)[1];
    RETURN_IF_ERROR(evaluate_rows(node.children[c], input, open.data(), count, item));
    Batch left;
    left.columns.push_back(operand);
    left.size = rows;
    if (count != rows) left = left.select(open.data(), count);
    Vector& equal = (*vectors)[2];
    RETURN_IF_ERROR(call_function(node, {left.columns[0], item}, {oid::kBool, -1}, count,
                                  input.context, equal));
    const VectorView<uint8_t> values = equal.view<uint8_t>();
    uint32_t remaining = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = open[i];
      quantifier.add(row, !values.valid(i), values.valid(i) && values[i] != 0);
      if (!quantifier.decided(row)) open[remaining++] = row;
    }
    open.resize(remaining);
  }
  out = quantifier.finish();
  return {};
}

Status evaluate_any_all(const ExprNode& node, const EvalInput& input, Vector& out) {
  const uint32_t rows = input.batch.size;
  const auto vectors = std::make_unique<std::vector<Vector>>(2);
  Vector& left = (*vectors)[0];
  Vector& arrays = (*vectors)[1];
  RETURN_IF_ERROR(evaluate_node(node.children[0], input, left));
  if (node.set != nullptr) {
    probe_set(node, left, rows, out);
    return {};
  }
  RETURN_IF_ERROR(evaluate_node(node.children[1], input, arrays));
  Oid element_type = type_info(arrays.type()).element;
  if (element_type == 0) element_type = oid::kText;
  Quantifier quantifier(rows, node.expr->kind == Expr::Kind::kAnyArray);
  PairComparer comparer(node, left, input.context, quantifier);
  const VectorView<StringRef> values = arrays.view<StringRef>();
  if (arrays.form() == Vector::Form::kConstant) {
    if (arrays.is_null(0)) {
      out = Vector::null_constant(oid::kBool, rows);
      return {};
    }
    ASSIGN_OR_RETURN(const Vector elements, array_elements(values[0].view(), element_type));
    for (uint32_t e = 0; e < elements.size(); ++e) {
      RETURN_IF_ERROR(comparer.add_element(elements, e));
    }
  } else {
    for (uint32_t i = 0; i < rows; ++i) {
      if (!values.valid(i)) {
        quantifier.set_null(i);
        continue;
      }
      ASSIGN_OR_RETURN(const Vector elements, array_elements(values[i].view(), element_type));
      RETURN_IF_ERROR(comparer.add_array(i, elements));
    }
  }
  out = quantifier.finish();
  return {};
}

}  // namespace eventd::engine
