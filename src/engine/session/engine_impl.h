// What Engine owns; seen by the sessions it makes.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/catalog/field_catalog.h"
#include "engine/catalog/relation_catalog.h"
#include "engine/catalog/role_store.h"
#include "engine/exec/scan_pool.h"
#include "engine/ingest/event_ingest.h"
#include "engine/plan/query_planner.h"
#include "engine/scan/memory_account.h"
#include "engine/session/engine.h"
#include "engine/session/plan_cache.h"
#include "engine/settings/settings.h"
#include "engine/stats/registry.h"
#include "engine/storage/shard_set.h"
#include "guid.h"
#include "kmes/event_socket.h"
#include "kmes/user_rings.h"
#include "unique_fd.h"

namespace eventd::engine {

class Backup;
class FieldSampler;
class Retention;
class SessionImpl;

/// What one session is doing, as of a moment ago.
struct SessionActivity {
  int32_t pid = 0;
  std::string role, client_address;
  std::string statement;  ///< the running or last one, cut off
  int64_t started_ns = 0; ///< monotonic
  bool running = false;
};

/// Sessions by backend pid, for CancelRequest. Thread-safe.
class SessionDirectory {
 public:
  /// A pid that no session has, and its random secret.
  std::pair<int32_t, int32_t> add(SessionImpl& session);
  void remove(int32_t pid);
  void cancel(int32_t pid, int32_t secret);
  size_t size() const;
  std::vector<SessionActivity> activities() const;

 private:
  struct Entry {
    SessionImpl* session;
    int32_t secret;
  };
  mutable std::mutex mutex_;
  std::map<int32_t, Entry> sessions_;  // guarded by mutex_
  int32_t next_pid_ = 1;               // guarded by mutex_
};

/// Members in the order they are built; destroyed in reverse.
struct Engine::Impl {
  std::unique_ptr<Settings> settings;
  std::string data_directory, run_directory;
  UniqueFd lock;
  Guid boot_id;
  std::unique_ptr<RoleStore> roles;
  std::unique_ptr<ShardSet> shards;
  std::unique_ptr<kmes::UserRings> rings;
  // Its writers call retention, which calls them: stopped before the writers, destroyed after them.
  std::unique_ptr<Retention> retention;
  std::atomic<Retention*> retention_running{nullptr};
  std::unique_ptr<EventIngest> ingest;
  std::unique_ptr<kmes::EventSocket> event_socket;
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> event_socket_gauges;
  std::unique_ptr<FieldCatalog> fields;
  std::unique_ptr<FieldSampler> field_sampler;
  RelationCatalog relations;
  PlanCache plans;
  std::vector<std::unique_ptr<StatsRegistry::Gauge>> plan_cache_gauges;
  std::unique_ptr<MemoryPool> memory;
  std::unique_ptr<ScanPool> pool;
  SessionDirectory sessions;
  std::mutex backup_mutex;
  std::shared_ptr<Backup> backup;  // guarded by backup_mutex: the last one, running or finished
  std::atomic<int64_t> running_queries{0};
  bool stopped = false;
};

}  // namespace eventd::engine
