// The windows of a SELECT: WINDOW, the definitions in OVER (…), and the kWindow nodes they become.
#include <algorithm>

#include "engine/limits.h"
#include "engine/plan/coercion.h"
#include "engine/plan/rules.h"
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

Error window_error(std::string message, int position) {
  return bind_error(sqlstate::kWindowingError, std::move(message), position);
}

bool has_offset(const AstWindowFrame& frame) {
  return frame.start_offset != nullptr || frame.end_offset != nullptr;
}

std::vector<SortKey> copies_of(const std::vector<SortKey>& keys) {
  std::vector<SortKey> result;
  for (const SortKey& key : keys) {
    result.push_back({key.expression->clone(), key.descending, key.nulls_first, key.eql_order});
  }
  return result;
}

bool same_key(const SortKey& a, const SortKey& b) {
  return a.descending == b.descending && a.nulls_first == b.nulls_first &&
         a.expression->equals(*b.expression);
}

bool same_expressions(const std::vector<ExprPtr>& a, const std::vector<ExprPtr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ExprPtr& x, const ExprPtr& y) { return x->equals(*y); });
}

// Whether a's rows in order are in b's order too: b's keys are the first ones of a's.
bool covers(const BoundWindow& a, const BoundWindow& b) {
  return same_expressions(a.partition_by, b.partition_by) &&
         a.order_by.size() >= b.order_by.size() &&
         std::equal(b.order_by.begin(), b.order_by.end(), a.order_by.begin(), same_key);
}

bool same_window(const BoundWindow& a, const BoundWindow& b) {
  return a.order_by.size() == b.order_by.size() && covers(a, b);
}

// A window starts from another one: OVER (w ORDER BY …). transformWindowDefinitions().
Status check_reference(const AstWindow& ast, const AstWindow& base, const BoundWindow& bound_base) {
  const std::string quoted = "\"" + ast.reference + "\"";
  if (!ast.partition_by.empty()) {
    return window_error("cannot override PARTITION BY clause of window " + quoted, ast.position);
  }
  if (!ast.order_by.empty() && !bound_base.order_by.empty()) {
    return window_error("cannot override ORDER BY clause of window " + quoted, ast.position);
  }
  if (base.frame.given) {
    Error error = window_error("cannot copy window " + quoted + " because it has a frame clause",
                               ast.position);
    if (ast.order_by.empty() && !ast.frame.given) {
      error.hint = "Omit the parentheses in this OVER clause.";
    }
    return error;
  }
  return {};
}

// Where the order of the nodes is free, those that share an order come together, the longest first.
std::vector<size_t> node_order(const std::vector<BoundWindow>& windows,
                               const std::vector<size_t>& used) {
  std::vector<size_t> order, left = used;
  while (!left.empty()) {
    size_t best = 0;
    if (!order.empty()) {
      const BoundWindow& last = windows[order.back()];
      best = left.size();
      for (size_t i = 0; i < left.size(); ++i) {
        if (!covers(last, windows[left[i]])) continue;
        if (best == left.size() ||
            windows[left[i]].order_by.size() > windows[left[best]].order_by.size()) {
          best = i;
        }
      }
      if (best == left.size()) best = 0;
    }
    for (size_t i = 0; i < left.size(); ++i) {  // one that covers the chosen goes before it
      if (windows[left[i]].order_by.size() > windows[left[best]].order_by.size() &&
          covers(windows[left[i]], windows[left[best]]) &&
          (order.empty() || !covers(windows[order.back()], windows[left[best]]))) {
        best = i;
      }
    }
    order.push_back(left[best]);
    left.erase(left.begin() + static_cast<ptrdiff_t>(best));
  }
  return order;
}

}  // namespace

Result<BoundWindow> SelectBinder::bind_window(const AstWindow& ast, Block& block) {
  BoundWindow window;
  const auto bind = [&](const AstExpr& expression, std::string_view clause) -> Result<ExprPtr> {
    ExpressionBinder binder(state_, block.level, Clause::window(clause));
    ASSIGN_OR_RETURN(ExprPtr bound, binder.bind(expression));
    bool makes_rows = false;
    for_each_column(*bound, [&](Expr& column) { makes_rows |= column.index >= kSetColumnBase; });
    if (makes_rows) {
      return not_supported_yet("a set-returning function in a window definition",
                               expression.position);
    }
    return resolve_unknown(std::move(bound), state_.parameters);
  };
  for (const AstSortItem& item : ast.order_by) {
    SortKey key;
    ASSIGN_OR_RETURN(key.expression, bind(*item.expression, "window ORDER BY"));
    key.descending = item.descending;
    key.nulls_first = item.nulls == AstSortItem::Nulls::kDefault
                          ? item.descending
                          : item.nulls == AstSortItem::Nulls::kFirst;
    window.order_by.push_back(std::move(key));
  }
  for (const AstExprPtr& expression : ast.partition_by) {
    ASSIGN_OR_RETURN(ExprPtr bound, bind(*expression, "window PARTITION BY"));
    window.partition_by.push_back(std::move(bound));
  }
  return window;
}

Result<WindowFrame> SelectBinder::bind_frame(const AstWindow& ast, const BoundWindow& window,
                                             Block& block) {
  using Mode = WindowFrame::Mode;
  const AstWindowFrame& written = ast.frame;
  WindowFrame frame;
  frame.mode = static_cast<Mode>(written.mode);
  frame.start = static_cast<WindowFrame::Bound>(written.start);
  frame.end = static_cast<WindowFrame::Bound>(written.end);
  frame.exclusion = static_cast<WindowFrame::Exclusion>(written.exclusion);
  const bool range = frame.mode == Mode::kRange && has_offset(written);
  if (range && window.order_by.size() != 1) {
    return window_error(
        "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
        ast.position);
  }
  if (frame.mode == Mode::kGroups && window.order_by.empty()) {
    return window_error("GROUPS mode requires an ORDER BY clause", ast.position);
  }
  if (!has_offset(written)) return frame;
  const std::string_view mode = range                         ? "RANGE"
                                : frame.mode == Mode::kGroups ? "GROUPS"
                                                              : "ROWS";
  const Oid key = range ? window.order_by[0].expression->type.id : oid::kInvalid;
  const std::string clause = "window " + std::string(mode);
  ExpressionBinder binder(state_, block.level, Clause(std::string_view(clause)));
  if (written.start_offset != nullptr) {
    ASSIGN_OR_RETURN(frame.start_offset,
                     binder.bind_frame_offset(*written.start_offset, mode, key));
  }
  if (written.end_offset != nullptr) {
    ASSIGN_OR_RETURN(frame.end_offset, binder.bind_frame_offset(*written.end_offset, mode, key));
  }
  return frame;
}

// All definitions, also unused ones: what is wrong with them is wrong.
Status SelectBinder::bind_windows(Block& block) {
  QueryLevel& level = block.level;
  std::vector<const AstWindow*> definitions;
  for (const AstWindow& window : level.window_clause) definitions.push_back(&window);
  definitions.insert(definitions.end(), level.inline_windows.begin(), level.inline_windows.end());
  std::vector<BoundWindow> bound;
  std::vector<WindowFrame> frames;
  for (size_t i = 0; i < definitions.size(); ++i) {
    const AstWindow& ast = *definitions[i];
    const size_t named = std::min(i, level.window_clause.size());
    const auto find = [&](const std::string& name) {
      size_t at = 0;
      while (at < named && definitions[at]->name != name) ++at;
      return at;
    };
    if (!ast.name.empty() && find(ast.name) < named) {
      return window_error("window \"" + ast.name + "\" is already defined", ast.position);
    }
    size_t base = named;
    if (!ast.reference.empty()) {
      base = find(ast.reference);
      if (base == named) {
        return bind_error(sqlstate::kUndefinedObject,
                          "window \"" + ast.reference + "\" does not exist", ast.position);
      }
    }
    ASSIGN_OR_RETURN(BoundWindow window, bind_window(ast, block));
    if (base < named) {
      RETURN_IF_ERROR(check_reference(ast, *definitions[base], bound[base]));
      for (const ExprPtr& expression : bound[base].partition_by) {
        window.partition_by.push_back(expression->clone());
      }
      if (window.order_by.empty()) window.order_by = copies_of(bound[base].order_by);
    }
    ASSIGN_OR_RETURN(WindowFrame frame, bind_frame(ast, window, block));
    frames.push_back(std::move(frame));
    bound.push_back(std::move(window));
  }
  std::vector<size_t> index(bound.size());
  for (size_t i = 0; i < bound.size(); ++i) {
    size_t at = 0;
    while (at < level.windows.size() && !same_window(level.windows[at], bound[i])) ++at;
    if (at == level.windows.size()) level.windows.push_back(std::move(bound[i]));
    index[i] = at;
  }
  for (BoundWindowCall& call : level.window_calls) {
    call.call.frame = frames[call.window].clone();
    call.window = index[call.window];
  }
  return {};
}

// Puts the kWindow nodes above the plan, one for each window that is called.
Status SelectBinder::apply_windows(Block& block) {
  QueryLevel& level = block.level;
  if (level.window_calls.empty()) return {};
  std::vector<size_t> used;
  for (const BoundWindowCall& call : level.window_calls) {
    if (std::find(used.begin(), used.end(), call.window) == used.end()) used.push_back(call.window);
  }
  std::vector<int> columns(level.window_calls.size());
  for (const size_t window : node_order(level.windows, used)) {
    auto node = plan_above(PlanNode::Kind::kWindow, std::move(block.plan));
    node->group_by = std::move(level.windows[window].partition_by);
    node->sort_keys = std::move(level.windows[window].order_by);
    for (size_t i = 0; i < level.window_calls.size(); ++i) {
      if (level.window_calls[i].window != window) continue;
      WindowCall& call = level.window_calls[i].call;
      columns[i] = static_cast<int>(node->columns.size());
      const std::string_view name =
          call.function != nullptr ? call.function->name : call.aggregate->name;
      node->columns.push_back({std::string(name), call.type, 0, 0});
      node->window_calls.push_back(std::move(call));
    }
    block.plan = std::move(node);
  }
  const auto place = [&](Expr& column) {
    if (column.index < kWindowColumnBase || column.index >= kSetColumnBase) return;
    column.index = columns[static_cast<size_t>(column.index - kWindowColumnBase)];
  };
  for (ExprPtr& target : block.targets) for_each_column(*target, place);
  for (SetCall& call : level.set_calls) {
    for (ExprPtr& argument : call.arguments) for_each_column(*argument, place);
  }
  return {};
}

}  // namespace eventd::engine
