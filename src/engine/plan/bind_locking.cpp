// What FOR UPDATE and its kin are refused on, as transformLockingClause() and CheckSelectLocking()
// do. They lock nothing: rows of events never change.
#include "engine/plan/select_binder.h"

namespace eventd::engine {
namespace {

Error not_lockable(std::string message, int position = 0) {
  return bind_error(sqlstate::kFeatureNotSupported, std::move(message), position);
}

// The item of FROM, or below its joins, that goes by a name.
const AstFromItem* find_table(const AstFromItem& item, const std::string& name) {
  const std::string& own = item.alias.empty() ? item.name : item.alias;
  if (own == name) return &item;
  if (item.kind != AstFromItem::Kind::kJoin || !item.alias.empty()) return nullptr;
  const AstFromItem* found = find_table(*item.left, name);
  return found != nullptr ? found : find_table(*item.right, name);
}

}  // namespace

Status SelectBinder::check_locked_arms(const SelectAst& select) {
  const AstLocking* locking = select.locking.empty() ? nullptr : &select.locking[0];
  for (size_t i = 0; locking == nullptr && i < select.arms.size(); ++i) {
    if (!select.arms[i]->locking.empty()) locking = &select.arms[i]->locking[0];
  }
  if (locking == nullptr) return {};
  return not_lockable(locking->clause + " is not allowed with UNION/INTERSECT/EXCEPT");
}

Status SelectBinder::check_locking(const SelectAst& select, const Block& block) const {
  for (const AstLocking& locking : select.locking) {
    const auto refuse = [&](const char* what) {
      return not_lockable(locking.clause + " is not allowed with " + what);
    };
    if (select.distinct) return refuse("DISTINCT clause");
    if (!select.group_by.empty()) return refuse("GROUP BY clause");
    if (select.having != nullptr) return refuse("HAVING clause");
    if (!block.level.aggregates.empty()) return refuse("aggregate functions");
    if (!block.level.window_calls.empty()) return refuse("window functions");
    if (!block.level.set_calls.empty()) {
      return refuse("set-returning functions in the target list");
    }
    RETURN_IF_ERROR(check_locked_tables(select, locking));
  }
  return {};
}

Status SelectBinder::check_locked_tables(const SelectAst& select, const AstLocking& locking) const {
  for (const AstLocking::Table& table : locking.tables) {
    if (table.qualified) {
      return bind_error(sqlstate::kSyntaxError,
                        locking.clause + " must specify unqualified relation names", table.position);
    }
    const AstFromItem* found = nullptr;
    for (size_t i = 0; found == nullptr && i < select.from.size(); ++i) {
      found = find_table(select.from[i], table.name);
    }
    if (found == nullptr) {
      return bind_error(sqlstate::kUndefinedTable,
                        "relation \"" + table.name + "\" in " + locking.clause +
                            " clause not found in FROM clause",
                        table.position);
    }
    const char* what = nullptr;
    if (found->kind == AstFromItem::Kind::kJoin) what = "a join";
    if (found->kind == AstFromItem::Kind::kFunction) what = "a function";
    if (found->kind == AstFromItem::Kind::kRelation && found->schema.empty() &&
        names_cte(found->name)) {
      what = "a WITH query";
    }
    if (what != nullptr) {
      return not_lockable(locking.clause + " cannot be applied to " + what, table.position);
    }
  }
  return {};
}

bool SelectBinder::names_cte(const std::string& name) const {
  for (CteScope* scope = ctes_; scope != nullptr; scope = scope->outer) {
    if (scope->find(name) != nullptr) return true;
  }
  return false;
}

}  // namespace eventd::engine
