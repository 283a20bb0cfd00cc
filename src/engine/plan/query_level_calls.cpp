// Rows of relations, and the aggregates and set-returning calls a SELECT collects.
#include <algorithm>

#include "engine/plan/query_level.h"

namespace eventd::engine {
namespace {

ExprPtr node_at(Expr::Kind kind, Type type, int position) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->type = type;
  node->position = position;
  return node;
}

// Columns of the level around become arguments.
void move_columns(Expr& expression, SubqueryFrame& frame) {
  for (ExprPtr& child : expression.children) {
    const bool column = child->kind == Expr::Kind::kColumn || child->kind == Expr::Kind::kOuter;
    if (column) {
      child = frame.argument(std::move(child));
    } else {
      move_columns(*child, frame);
    }
  }
}

}  // namespace

ExprPtr QueryLevel::find_row(std::string_view schema, std::string_view name, int position) {
  const Scope::Relation* relation = visible_scope().find_relation(schema, name);
  if (relation == nullptr) {
    if (frame->parent == nullptr) return nullptr;
    ExprPtr row = frame->parent->find_row(schema, name, position);
    if (row != nullptr && row->children.empty()) return frame->argument(std::move(row));
    if (row != nullptr) move_columns(*row, *frame);
    return row;
  }
  if (relation->scalar) {
    const size_t index = relation->columns[0].index;
    ExprPtr value = Expr::column(static_cast<int>(index), scope.columns()[index].type);
    value->position = position;
    return value;
  }
  ExprPtr row = node_at(Expr::Kind::kRow, {oid::kRecord, -1}, position);
  for (const Scope::Column& entry : relation->columns) {
    const OutputColumn& column = scope.columns()[entry.index];
    row->children.push_back(Expr::column(static_cast<int>(entry.index), column.type));
    row->children.back()->position = position;
    row->path.push_back(entry.name);
  }
  if (!relation->presence) return row;
  // CASE WHEN it is there THEN row END, which knows the names as well.
  ExprPtr there = node_at(Expr::Kind::kIsNotNull, {oid::kBool, -1}, position);
  there->children.push_back(Expr::column(static_cast<int>(*relation->presence), {oid::kBool, -1}));
  there->children[0]->position = position;
  ExprPtr choice = node_at(Expr::Kind::kCase, row->type, position);
  choice->path = row->path;
  choice->children.push_back(std::move(there));
  choice->children.push_back(std::move(row));
  choice->children.push_back(Expr::constant_of(Datum(), choice->type));
  return choice;
}

namespace {

bool same(const ExprPtr& a, const ExprPtr& b) {
  return a == nullptr || b == nullptr ? a == b : a->equals(*b);
}

bool same(const std::vector<ExprPtr>& a, const std::vector<ExprPtr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ExprPtr& x, const ExprPtr& y) { return same(x, y); });
}

bool same(const AggregateCall& a, const AggregateCall& b) {
  const auto key_equal = [](const SortKey& x, const SortKey& y) {
    return x.descending == y.descending && x.nulls_first == y.nulls_first &&
           same(x.expression, y.expression);
  };
  return a.function == b.function && a.type == b.type && a.distinct == b.distinct &&
         same(a.arguments, b.arguments) && same(a.filter, b.filter) &&
         std::equal(a.order.begin(), a.order.end(), b.order.begin(), b.order.end(), key_equal);
}

bool is_volatile(const AggregateCall& call) {
  const auto test = [](const ExprPtr& expression) {
    return expression != nullptr && expression->volatility() == Volatility::kVolatile;
  };
  return test(call.filter) || std::any_of(call.arguments.begin(), call.arguments.end(), test) ||
         std::any_of(call.order.begin(), call.order.end(),
                     [&](const SortKey& key) { return test(key.expression); });
}

}  // namespace

ExprPtr QueryLevel::add_aggregate(AggregateCall call, int position) {
  size_t at = 0;
  if (is_volatile(call)) at = aggregates.size();
  while (at < aggregates.size() && !same(aggregates[at], call)) ++at;
  const Type type = call.type;
  if (at == aggregates.size()) aggregates.push_back(std::move(call));
  ExprPtr column = Expr::column(kAggregateColumnBase + static_cast<int>(at), type);
  column->position = position;
  return column;
}

size_t QueryLevel::set_column_count(size_t calls) const {
  size_t count = 0;
  for (size_t i = 0; i < calls; ++i) count += set_calls[i].column_count;
  return count;
}

}  // namespace eventd::engine
