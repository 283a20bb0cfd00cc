// Conditions and joins: which side takes a condition, outer joins that need not be, and what
// follows from equal columns.
#include <algorithm>
#include <numeric>

#include "engine/plan/filter_pushdown.h"
#include "engine/plan/stack_guard.h"

namespace eventd::engine {
namespace {

/// Beyond this many columns or conjuncts nothing is derived from equalities.
constexpr size_t kDerivationMax = 2'000;

int input_width(const PlanNode& plan) { return static_cast<int>(plan.columns.size()); }

bool is_inner_join(const PlanNode& plan) {
  return plan.kind == PlanNode::Kind::kJoin && plan.join_type == JoinType::kInner;
}

/// What must hold of a join's rows whatever its type above: with an inner join its ON too.
void take_inner_conditions(PlanPtr& plan, int offset, Conjuncts& pool) {
  while (plan->kind == PlanNode::Kind::kFilter && is_inner_join(*plan->children[0])) {
    Conjuncts own;
    split_conjuncts(std::move(plan->condition), own);
    for (ExprPtr& conjunct : own) {
      shift_columns(*conjunct, offset);
      pool.push_back(std::move(conjunct));
    }
    PlanPtr child = std::move(plan->children[0]);
    plan = std::move(child);
  }
  if (!is_inner_join(*plan)) return;
  Conjuncts own;
  split_conjuncts(std::move(plan->condition), own);
  for (ExprPtr& conjunct : own) {
    shift_columns(*conjunct, offset);
    pool.push_back(std::move(conjunct));
  }
  take_inner_conditions(plan->children[0], offset, pool);
  take_inner_conditions(plan->children[1], offset + input_width(*plan->children[0]), pool);
}

/// column = column of one type: they are interchangeable in comparisons.
bool is_column_equality(const Expr& conjunct) {
  return is_equality(conjunct) && conjunct.children[0]->kind == Expr::Kind::kColumn &&
         conjunct.children[1]->kind == Expr::Kind::kColumn &&
         conjunct.children[0]->type.id == conjunct.children[1]->type.id;
}

bool is_comparison(const Expr& expression) {
  static constexpr std::string_view kNames[] = {"=", "<", "<=", ">", ">="};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](std::string_view name) {
    const Operator* op = FunctionCatalog::instance().find_operator(
        name, expression.children[0]->type.id, expression.children[1]->type.id);
    return op != nullptr && op->function == expression.function;
  });
}

bool is_fixed(const Expr& expression) {
  return expression.kind == Expr::Kind::kConstant || expression.kind == Expr::Kind::kOuter;
}

/// The column of `column op constant` or `column IN constants`; null for other forms.
const Expr* compared_column(const Expr& conjunct) {
  const std::vector<ExprPtr>& children = conjunct.children;
  if (conjunct.kind == Expr::Kind::kInList) {
    const bool fixed = std::all_of(children.begin() + 1, children.end(),
                                   [](const ExprPtr& child) { return is_fixed(*child); });
    return fixed && children[0]->kind == Expr::Kind::kColumn ? children[0].get() : nullptr;
  }
  if (conjunct.kind != Expr::Kind::kCall || children.size() != 2) return nullptr;
  const Expr* column = children[is_fixed(*children[0]) ? 1 : 0].get();
  const Expr& other = *children[is_fixed(*children[0]) ? 0 : 1];
  if (column->kind != Expr::Kind::kColumn || !is_fixed(other) || !is_comparison(conjunct)) {
    return nullptr;
  }
  return column;
}

bool has_equal(const Conjuncts& conjuncts, const Expr& wanted) {
  return std::any_of(conjuncts.begin(), conjuncts.end(),
                     [&](const ExprPtr& conjunct) { return conjunct->equals(wanted); });
}

/// Sets of columns that are equal in every row.
class EqualColumns {
 public:
  explicit EqualColumns(size_t columns) : parents_(columns) {
    std::iota(parents_.begin(), parents_.end(), 0);
  }
  void unite(const Conjuncts& conjuncts) {
    for (const ExprPtr& conjunct : conjuncts) {
      if (!is_column_equality(*conjunct)) continue;
      parents_[root(conjunct->children[0]->index)] = root(conjunct->children[1]->index);
      any_ = true;
    }
  }
  bool any() const { return any_; }
  /// The comparisons of `conjuncts` said of columns equal to theirs in [first, end), appended to
  /// `out` unless there already.
  void derive(const Conjuncts& conjuncts, size_t first, size_t end, Conjuncts& out) {
    const size_t count = conjuncts.size();  // `out` may be `conjuncts`
    for (size_t i = 0; i < count && out.size() < kDerivationMax; ++i) {
      const Expr* column = compared_column(*conjuncts[i]);
      if (column == nullptr) continue;
      const int from = column->index;
      const size_t set = root(from);
      for (size_t to = first; to < end; ++to) {
        if (static_cast<int>(to) == from || root(static_cast<int>(to)) != set) continue;
        ExprPtr copy = conjuncts[i]->clone();
        for_each_column(*copy, [&](Expr& each) { each.index = static_cast<int>(to); });
        if (!has_equal(out, *copy)) out.push_back(std::move(copy));
      }
    }
  }

 private:
  size_t root(int column) {
    size_t at = static_cast<size_t>(column);
    while (parents_[at] != at) at = parents_[at] = parents_[parents_[at]];
    return at;
  }
  std::vector<size_t> parents_;
  bool any_ = false;
};

/// Conditions above that no NULL-extended row passes make an outer join a stricter one.
void strengthen(PlanNode& join, const Conjuncts& above, int left, int all) {
  const auto rejects = [&](int first, int end) {
    return std::any_of(above.begin(), above.end(), [&](const ExprPtr& conjunct) {
      return !is_volatile(*conjunct) && rejects_nulls(*conjunct, first, end);
    });
  };
  JoinType& type = join.join_type;
  if (type == JoinType::kFull && rejects(0, left)) type = JoinType::kLeft;
  if (type == JoinType::kFull && rejects(left, all)) type = JoinType::kRight;
  if (type == JoinType::kLeft && rejects(left, all)) type = JoinType::kInner;
  if (type == JoinType::kRight && rejects(0, left)) type = JoinType::kInner;
}

/// One join's conditions by where they go.
struct Sorted {
  Conjuncts left, right, condition, above;
};

class JoinPusher {
 public:
  JoinPusher(PlanNode& join, Conjuncts above)
      : join_(join), above_(std::move(above)), left_(input_width(*join.children[0])),
        all_(left_ + input_width(*join.children[1])) {}

  Sorted sort() {
    strengthen(join_, above_, left_, all_);
    split_conjuncts(std::move(join_.condition), on_);
    if (join_.kind == PlanNode::Kind::kJoin && join_.join_type == JoinType::kInner) {
      take_inner_conditions(join_.children[0], 0, on_);
      take_inner_conditions(join_.children[1], left_, on_);
    }
    if (join_.join_type == JoinType::kInner) {
      std::move(on_.begin(), on_.end(), std::back_inserter(above_));
      on_.clear();
    }
    derive();
    for (ExprPtr& conjunct : above_) place_above(std::move(conjunct));
    for (ExprPtr& conjunct : on_) place_on(std::move(conjunct));
    return std::move(out_);
  }

 private:
  void derive() {
    if (static_cast<size_t>(all_) > kDerivationMax || above_.size() > kDerivationMax) return;
    const size_t left = static_cast<size_t>(left_), all = static_cast<size_t>(all_);
    EqualColumns equal(all);
    equal.unite(join_.join_type == JoinType::kInner ? above_ : on_);
    if (!equal.any()) return;
    switch (join_.join_type) {
      case JoinType::kInner: equal.derive(above_, 0, all, above_); break;
      // Rows of the other side matter only where they match.
      case JoinType::kLeft:
      case JoinType::kSemi:
      case JoinType::kAnti: equal.derive(above_, left, all, on_); break;
      case JoinType::kRight: equal.derive(above_, 0, left, on_); break;
      case JoinType::kFull: break;
    }
  }

  /// The right side of an Apply is a frame of its own.
  bool may_enter_right(const Expr& conjunct) const {
    return reads_only_columns(conjunct, left_, all_) &&
           (join_.kind != PlanNode::Kind::kApply || !has_outer(conjunct));
  }

  void to_right(ExprPtr conjunct) {
    shift_columns(*conjunct, -left_);
    out_.right.push_back(std::move(conjunct));
  }

  void place_above(ExprPtr conjunct) {
    const JoinType type = join_.join_type;
    const bool keeps_left = type != JoinType::kRight && type != JoinType::kFull;
    const bool keeps_right = type == JoinType::kInner || type == JoinType::kRight;
    if (is_volatile(*conjunct)) {
      out_.above.push_back(std::move(conjunct));
    } else if (keeps_left && reads_only_columns(*conjunct, 0, left_)) {
      out_.left.push_back(std::move(conjunct));
    } else if (keeps_right && may_enter_right(*conjunct)) {
      to_right(std::move(conjunct));
    } else if (type == JoinType::kInner) {
      out_.condition.push_back(std::move(conjunct));
    } else {
      out_.above.push_back(std::move(conjunct));
    }
  }

  /// A condition of ON (of a join that is not inner).
  void place_on(ExprPtr conjunct) {
    const JoinType type = join_.join_type;
    const bool drops_left = type == JoinType::kRight || type == JoinType::kSemi;
    const bool drops_right =
        type == JoinType::kLeft || type == JoinType::kSemi || type == JoinType::kAnti;
    if (is_volatile(*conjunct)) {
      out_.condition.push_back(std::move(conjunct));
    } else if (drops_right && may_enter_right(*conjunct)) {
      to_right(std::move(conjunct));
    } else if (drops_left && reads_only_columns(*conjunct, 0, left_)) {
      out_.left.push_back(std::move(conjunct));
    } else {
      out_.condition.push_back(std::move(conjunct));
    }
  }

  PlanNode& join_;
  Conjuncts above_, on_;
  const int left_, all_;
  Sorted out_;
};

}  // namespace

Status push_into_join(PlanPtr& plan, Conjuncts conjuncts) {
  Sorted sorted = JoinPusher(*plan, std::move(conjuncts)).sort();
  plan->condition = join_conjuncts(std::move(sorted.condition));
  RETURN_IF_ERROR(push_conjuncts(plan->children[0], std::move(sorted.left)));
  RETURN_IF_ERROR(push_conjuncts(plan->children[1], std::move(sorted.right)));
  plan = filtered(std::move(plan), std::move(sorted.above));
  return {};
}

}  // namespace eventd::engine
