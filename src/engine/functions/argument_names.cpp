#include "engine/functions/argument_names.h"

#include <unordered_map>

#include "engine/functions/postgres_entries.h"

namespace eventd::engine {
namespace {

/// Written while the catalog is built, before any OID of ours is known to anybody.
std::unordered_map<Oid, ArgumentNames>& own_names() {
  static std::unordered_map<Oid, ArgumentNames> names;
  return names;
}

}  // namespace

ArgumentNames argument_names(Oid id) {
  if (const PostgresProc* proc = find_postgres_proc(id)) {
    return {proc->argument_names, proc->argument_defaults};
  }
  const auto found = own_names().find(id);
  return found == own_names().end() ? ArgumentNames() : found->second;
}

void set_argument_names(Oid id, ArgumentNames names) { own_names()[id] = names; }

}  // namespace eventd::engine
