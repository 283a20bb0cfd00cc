// The WITH queries that may be named at one place of a statement.
#pragma once

#include <string>
#include <vector>

#include "engine/plan/ast.h"
#include "engine/plan/logical_plan.h"
#include "engine/plan/query_level.h"

namespace eventd::engine {

/// One WITH query while the query over it is bound. One thread.
struct BoundCte {
  enum class State : uint8_t {
    kUnbound,
    kBinding,           ///< naming it now is recursion that has not the form for it
    kNonRecursiveTerm,  ///< … of the left of its UNION
    kRecursiveTerm,     ///< naming it means the working table
    kBound,
  };
  const AstCte* ast = nullptr;
  State state = State::kUnbound;
  int id = 0;
  std::vector<OutputColumn> columns;
  PlanPtr plan;
  bool recursive = false;
  int self_references = 0;           ///< in its recursive term
  std::vector<OutputColumn> hidden;  ///< of the working table, after `columns`: SEARCH and CYCLE
};

/// A WITH list and what is around it. Lives while its query is bound.
struct CteScope {
  CteScope* outer = nullptr;
  SubqueryFrame* frame = nullptr;  ///< in which the list stands
  bool recursive = false;
  std::vector<BoundCte> entries;
  std::vector<BoundCte*> binding;      ///< being bound now, innermost last
  std::vector<size_t> bound_order;     ///< indexes of those bound, each after what it uses
  size_t visible = 0;              ///< entries before this one may be named; all if `recursive`

  BoundCte* find(const std::string& name) {
    for (size_t i = 0; i < (recursive ? entries.size() : visible); ++i) {
      if (entries[i].ast->name == name) return &entries[i];
    }
    return nullptr;
  }
};

/// Why naming a recursive query would be wrong where the binder stands.
enum class RecursionPlace : uint8_t { kGood, kOuterJoin, kIntersect, kExcept };

}  // namespace eventd::engine
