// What a plan may read by number: common table expressions and working tables around it.
#pragma once

#include <memory>

namespace eventd::engine {

class CteBuffer;
class KeptRows;

/// One name; those further out through `parent`. Immutable but for what `working` points to, which
/// changes between rounds, when nobody reads.
struct QueryScope {
  std::shared_ptr<const QueryScope> parent;
  int cte_id = 0;
  std::shared_ptr<CteBuffer> cte;                                ///< of a kWith, or
  std::shared_ptr<std::shared_ptr<const KeptRows>> working;     ///< of a kRecursiveUnion

  /// The one of that id and kind, or null.
  static const QueryScope* find(const QueryScope* scope, int cte_id, bool working) {
    while (scope != nullptr && (scope->cte_id != cte_id || (scope->working != nullptr) != working)) {
      scope = scope->parent.get();
    }
    return scope;
  }
};

}  // namespace eventd::engine
