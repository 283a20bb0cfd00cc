#include "engine/session/plan_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "engine/plan/rules.h"
#include "engine/stats/registry.h"

namespace eventd::engine {
namespace {

// A node of an expression, with the syntax it came from.
constexpr size_t kExpressionBytes = sizeof(Expr) + 256;
constexpr size_t kNodeBytes = sizeof(PlanNode) + 256;
constexpr size_t kEntryBytes = 1024;

size_t expression_bytes(const Expr& expression);

size_t plan_bytes(PlanNode& plan) {
  size_t bytes = kNodeBytes + (plan.columns.size() + plan.scan_columns.size()) * 128;
  for_each_expression(plan, [&](ExprPtr& expression) { bytes += expression_bytes(*expression); });
  for (PlanPtr& child : plan.children) bytes += plan_bytes(*child);
  return bytes;
}

size_t expression_bytes(const Expr& expression) {
  size_t bytes = kExpressionBytes;
  for (const ExprPtr& child : expression.children) bytes += expression_bytes(*child);
  if (expression.subquery != nullptr) bytes += plan_bytes(*expression.subquery->plan);
  return bytes;
}

size_t prepared_bytes(const Prepared& prepared) {
  // Not changed: the rules' way of visiting a node takes no const one.
  return prepared.plan == nullptr ? 0 : plan_bytes(const_cast<PlanNode&>(*prepared.plan));
}

size_t hash_of(const PlanKey& key) {
  const std::hash<std::string_view> hash;
  size_t value = hash(key.text) ^ hash(key.search_path) * 31 ^ hash(key.role) * 131;
  for (const Oid type : key.declared) value = value * 1'000'003 + type;
  return value;
}

}  // namespace

void PlanCache::set_limits(size_t entries_max, size_t bytes_max) {
  const std::lock_guard lock(mutex_);
  entries_max_ = entries_max;
  bytes_max_ = bytes_max;
  while (!entries_.empty() && (entries_.size() > entries_max_ || bytes_ > bytes_max_)) {
    drop(std::prev(entries_.end()));
  }
}

PlanCache::Entries::iterator PlanCache::find_entry(const PlanKey& key, size_t hash) {
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    const Entry& entry = *at->second;
    if (entry.text == key.text && std::ranges::equal(entry.declared, key.declared) &&
        entry.search_path == key.search_path && entry.role == key.role) {
      return at->second;
    }
  }
  return entries_.end();
}

void PlanCache::drop(Entries::iterator entry) {
  const auto [first, last] = by_hash_.equal_range(entry->hash);
  by_hash_.erase(std::find_if(first, last, [&](const auto& item) { return item.second == entry; }));
  bytes_ -= entry->bytes;
  entries_.erase(entry);
}

std::shared_ptr<const Prepared> PlanCache::find(const PlanKey& key, uint64_t generation) {
  static Counter& hits = stats().counter("plan_cache_hits");
  static Counter& misses = stats().counter("plan_cache_misses");
  const size_t hash = hash_of(key);
  const std::lock_guard lock(mutex_);
  const auto entry = find_entry(key, hash);
  if (entry == entries_.end()) {
    misses.add();
    return nullptr;
  }
  if (entry->prepared->generation != 0 && entry->prepared->generation != generation) {
    drop(entry);
    misses.add();
    return nullptr;
  }
  hits.add();
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->prepared;
}

void PlanCache::add(const PlanKey& key, std::shared_ptr<const Prepared> prepared) {
  if (key.text.size() > kTextBytesMax) return;
  const size_t hash = hash_of(key);
  {
    const std::lock_guard lock(mutex_);
    if (entries_max_ == 0 || bytes_max_ == 0) return;
    if (std::exchange(seen_[hash % seen_.size()], hash) != hash) return;
  }
  const size_t bytes = kEntryBytes + 2 * key.text.size() + prepared_bytes(*prepared);
  Entry entry{std::string(key.text), std::string(key.search_path), std::string(key.role),
              {key.declared.begin(), key.declared.end()}, std::move(prepared), hash, bytes};
  const std::lock_guard lock(mutex_);
  if (bytes > bytes_max_ / 4 || find_entry(key, hash) != entries_.end()) return;
  entries_.push_front(std::move(entry));
  by_hash_.emplace(hash, entries_.begin());
  bytes_ += bytes;
  while (entries_.size() > entries_max_ || bytes_ > bytes_max_) drop(std::prev(entries_.end()));
}

size_t PlanCache::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

size_t PlanCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace eventd::engine
