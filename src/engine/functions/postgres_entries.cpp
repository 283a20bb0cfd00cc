#include "engine/functions/postgres_entries.h"

#include <algorithm>
#include <unordered_map>

namespace eventd::engine {
namespace {

const PostgresProc kProcs[] = {
#define EVENTD_POSTGRES_PROC(...) {__VA_ARGS__},
#include "engine/functions/postgres_entries.inc"
#undef EVENTD_POSTGRES_PROC
};

const PostgresOperator kOperators[] = {
#define EVENTD_POSTGRES_OPERATOR(...) {__VA_ARGS__},
#include "engine/functions/postgres_entries.inc"
#undef EVENTD_POSTGRES_OPERATOR
};

const PostgresCast kCasts[] = {
#define EVENTD_POSTGRES_CAST(...) {__VA_ARGS__},
#include "engine/functions/postgres_entries.inc"
#undef EVENTD_POSTGRES_CAST
};

}  // namespace

std::span<const PostgresProc> postgres_procs() { return kProcs; }
std::span<const PostgresOperator> postgres_operators() { return kOperators; }
std::span<const PostgresCast> postgres_casts() { return kCasts; }

const PostgresProc* find_postgres_proc(std::string_view signature) {
  const auto* end = std::end(kProcs);
  const auto* found = std::lower_bound(
      std::begin(kProcs), end, signature,
      [](const PostgresProc& proc, std::string_view key) { return proc.signature < key; });
  return found != end && found->signature == signature ? found : nullptr;
}

const PostgresProc* find_postgres_proc(Oid id) {
  static const auto* const kById = [] {
    auto* map = new std::unordered_map<Oid, const PostgresProc*>();
    for (const PostgresProc& proc : kProcs) map->emplace(proc.id, &proc);
    return map;
  }();
  const auto found = kById->find(id);
  return found == kById->end() ? nullptr : found->second;
}

}  // namespace eventd::engine
