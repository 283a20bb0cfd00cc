#include "engine/scan/relation.h"

namespace eventd::engine {

int Relation::find_column(std::string_view column_name) const {
  const std::vector<RelationColumn>& all = columns();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == column_name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace eventd::engine
