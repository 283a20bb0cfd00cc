// What the catalog has, as text: missing_functions.py compares it with PostgreSQL's catalogs.
#include <cstdlib>
#include <fstream>
#include <set>

#include "engine/functions/postgres_entries.h"
#include "function_test_support.h"

namespace eventd::engine {
namespace {

template <class Entries>
bool has_id(const Entries& entries, Oid id) {
  for (const auto* entry : entries) {
    if (entry->id == id) return true;
  }
  return false;
}

/// EVENTD_LIST_FUNCTIONS=file: writes the OIDs of PostgreSQL's functions that exist here.
TEST(CatalogListing, WritesWhatThereIs) {
  const char* path = std::getenv("EVENTD_LIST_FUNCTIONS");
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  std::set<Oid> found;
  for (const PostgresProc& proc : postgres_procs()) {
    const std::string_view name = proc.name();
    if (has_id(catalog.functions(name), proc.id) || has_id(catalog.aggregates(name), proc.id) ||
        has_id(catalog.table_functions(name), proc.id) ||
        has_id(catalog.window_functions(name), proc.id)) {
      found.insert(proc.id);
    }
  }
  EXPECT_GE(found.size(), 1100u);
  if (path == nullptr) GTEST_SKIP() << "EVENTD_LIST_FUNCTIONS is not set";
  std::ofstream out(path);
  for (const Oid id : found) out << id << '\n';
}

}  // namespace
}  // namespace eventd::engine
