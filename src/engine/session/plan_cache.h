// Bound statements by their text, for all sessions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/session/session.h"

namespace eventd::engine {

/// What a bound statement depends on besides the catalog.
struct PlanKey {
  std::string_view text;
  std::span<const Oid> declared;
  std::string_view search_path, role;
};

/// Keeps those used last, from their second use on: what is sent once (an INSERT with its values)
/// pushes nothing out. Thread-safe.
///
/// Statistics: plan_cache_hits, plan_cache_misses, plan_cache_entries, plan_cache_bytes.
class PlanCache {
 public:
  /// Longer texts are bound each time.
  static constexpr size_t kTextBytesMax = 64 * 1024;

  /// Bounds, live; either of 0 turns it off. Bytes are estimates of what the plans hold.
  void set_limits(size_t entries_max, size_t bytes_max);

  /// Null if it is not there, or was bound under another generation than `generation`.
  std::shared_ptr<const Prepared> find(const PlanKey& key, uint64_t generation);
  /// After a find() that found none.
  void add(const PlanKey& key, std::shared_ptr<const Prepared> prepared);

  size_t entries() const;
  size_t bytes() const;

 private:
  struct Entry {
    std::string text, search_path, role;
    std::vector<Oid> declared;
    std::shared_ptr<const Prepared> prepared;
    size_t hash, bytes;
  };
  using Entries = std::list<Entry>;
  Entries::iterator find_entry(const PlanKey& key, size_t hash);
  void drop(Entries::iterator entry);

  mutable std::mutex mutex_;
  // Guarded by mutex_:
  Entries entries_;  // used last: first
  std::unordered_multimap<size_t, Entries::iterator> by_hash_;
  size_t bytes_ = 0;
  size_t entries_max_ = 0, bytes_max_ = 0;
  std::array<size_t, 4096> seen_{};  // hashes of texts met once, each in its place
};

}  // namespace eventd::engine
