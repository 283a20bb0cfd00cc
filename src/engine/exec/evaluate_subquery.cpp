// Queries in expressions.
#include <memory>

#include "engine/exec/compiled_subquery.h"
#include "engine/exec/expr_node.h"
#include "engine/vector/heap_meter.h"

namespace eventd::engine {

Status evaluate_subquery(const ExprNode& node, const EvalInput& input, Vector& out) {
  const auto arguments = std::make_unique<std::vector<Vector>>(node.children.size());
  for (size_t i = 0; i < node.children.size(); ++i) {
    RETURN_IF_ERROR(evaluate_node(node.children[i], input, (*arguments)[i]));
  }
  {
    const HeapMeter inner;  // what its operators make is theirs
    RETURN_IF_ERROR(node.subquery->evaluate(*arguments, input.batch.size, out));
  }
  HeapMeter::add(out.memory_bytes());
  return {};
}

}  // namespace eventd::engine
