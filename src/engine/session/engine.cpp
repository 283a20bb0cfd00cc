#include "engine/session/engine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/catalog/event_views.h"
#include "engine/catalog/field_sampler.h"
#include "engine/ingest/boot.h"
#include "engine/ingest/synthetic.h"
#include "engine/maintenance/backup.h"
#include "engine/maintenance/directory_lock.h"
#include "engine/maintenance/restore.h"
#include "engine/session/engine_impl.h"
#include "engine/session/event_socket_gauges.h"
#include "engine/session/live_settings.h"
#include "engine/session/session_impl.h"
#include "engine/session/setting_checks.h"
#include "engine/session/state_dump.h"
#include "engine/storage/shard_files.h"
#include "log.h"

namespace eventd::engine {
namespace {

Status system_error(const std::string& what) {
  return Status(sqlstate::kSystemError, what + ": " + std::strerror(errno));
}

// 0700: shards, verifiers and keys are nobody else's.
Status make_directory(const std::string& path) {
  std::error_code error;
  const bool existed = std::filesystem::exists(path, error);
  std::filesystem::create_directories(path, error);
  if (error) return Status(sqlstate::kSystemError, "cannot create " + path + ": " + error.message());
  if (!existed && ::chmod(path.c_str(), 0700) != 0) return system_error("cannot protect " + path);
  return {};
}

Result<Guid> choose_boot_id(const std::string& text) {
  if (text.empty()) return read_boot_id();
  const auto guid = Guid::parse(text);
  if (!guid || guid->is_zero()) {
    return Status(sqlstate::kConfigFileError, "boot_id \"" + text + "\" is not a GUID");
  }
  return *guid;
}

uint16_t online_cpus() {
  return static_cast<uint16_t>(std::clamp<long>(::sysconf(_SC_NPROCESSORS_CONF), 1, 1024));
}

// The server's own rings; those of the kernel module come with it.
Status check_ring_source(const Settings& settings) {
  if (settings.text("ring_source") != "kernel") return {};
  return Status(sqlstate::kFeatureNotSupported,
                "ring_source = kernel is not supported yet: the kernel module is a later release");
}

Status open_stores(Engine::Impl& impl) {
  const Settings& settings = *impl.settings;
  ASSIGN_OR_RETURN(impl.roles, RoleStore::open(impl.data_directory + "/catalog.db"));
  RETURN_IF_ERROR(create_first_roles(*impl.roles, impl.data_directory));
  ShardSetOptions options;
  options.directory = impl.data_directory + "/events";
  RETURN_IF_ERROR(make_directory(options.directory));
  const auto shards = static_cast<uint32_t>(settings.integer("storage_shards"));
  options.shard_count = shards != 0 ? shards : std::min<uint32_t>(online_cpus(), kShardsMax);
  options.page_size_bytes = static_cast<uint32_t>(settings.integer("page_size"));
  options.wal_size_limit_bytes = settings.integer("wal_size_limit");
  options.max_open_shards = static_cast<uint32_t>(settings.integer("max_open_shards"));
  options.statement_pool_size = static_cast<uint32_t>(settings.integer("statement_pool_size"));
  ASSIGN_OR_RETURN(impl.shards, ShardSet::open(options));
  impl.relations.add(impl.shards->events_relation());
  impl.relations.add(make_pg_settings(settings));
  impl.relations.add(make_statistics_relation());
  ASSIGN_OR_RETURN(impl.fields, FieldCatalog::open(options.directory + "/" + std::string(shard_files::kMetaDatabase)));
  impl.relations.set_fields(*impl.fields);
  impl.relations.add(make_event_types_view());
  impl.relations.add(make_gaps_view());
  impl.relations.add(make_event_fields_relation(*impl.fields));
  return {};
}

Status start_pipeline(Engine::Impl& impl) {
  const Settings& settings = *impl.settings;
  RETURN_IF_ERROR(check_ring_source(settings));
  ASSIGN_OR_RETURN(impl.boot_id, choose_boot_id(settings.text("boot_id")));
  ASSIGN_OR_RETURN(impl.rings,
                   kmes::UserRings::create(online_cpus(),
                                           static_cast<uint64_t>(settings.integer("ring_capacity")),
                                           huge_pages(settings)));
  EventIngestOptions options;
  options.boot_id = impl.boot_id;
  options.max_batch_size = static_cast<uint32_t>(settings.integer("max_batch_size"));
  options.max_batch_latency_ns = settings.integer("max_batch_latency") * 1'000'000;
  const std::string affinity = settings.text("drain_affinity");
  using Affinity = EventIngestOptions::Affinity;
  options.drain_affinity = affinity == "cpu"   ? Affinity::kCpu
                           : affinity == "off" ? Affinity::kOff
                                               : Affinity::kNode;
  // Retention exists a moment later than the writers.
  options.on_storage_full = [&impl] {
    if (Retention* retention = impl.retention_running.load(std::memory_order_acquire)) retention->run_now();
  };
  ASSIGN_OR_RETURN(impl.ingest, EventIngest::start(*impl.shards, *impl.rings, options));
  impl.boot_id = impl.ingest->boot_id();
  for (const QuarantinedShard& shard : impl.shards->quarantined_at_start()) {
    impl.ingest->add_synthetic(synthetic::kStorageError,
                               synthetic::storage_error_payload("event", shard.index, shard.reason));
  }
  ASSIGN_OR_RETURN(impl.retention,
                   Retention::start(*impl.shards, *impl.ingest, retention_options(settings)));
  impl.retention_running.store(impl.retention.get(), std::memory_order_release);
  return {};
}

Status start_event_socket(Engine::Impl& impl) {
  kmes::EventSocketOptions options;
  options.path = impl.settings->text("event_socket");
  if (options.path.empty()) options.path = impl.run_directory + "/event.sock";
  options.limits = socket_limits(*impl.settings);
  options.boot_id = impl.boot_id;
  ASSIGN_OR_RETURN(impl.event_socket, kmes::EventSocket::start(*impl.rings, options));
  impl.event_socket_gauges = event_socket_gauges(*impl.event_socket);
  return {};
}

void start_plan_cache(Engine::Impl& impl) {
  apply_plan_cache_limits(impl);
  const auto gauge = [&](const char* name, auto read) {
    impl.plan_cache_gauges.push_back(stats().add_gauge(name, [&plans = impl.plans, read] {
      return static_cast<double>((plans.*read)());
    }));
  };
  gauge("plan_cache_entries", &PlanCache::entries);
  gauge("plan_cache_bytes", &PlanCache::bytes);
}

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { (void)stop(); }

Result<std::unique_ptr<Engine>> Engine::start(std::unique_ptr<Settings> settings) {
  // Whole from the beginning: a start that fails half-way is stopped like any other.
  auto engine = std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>()));
  Impl& impl = *engine->impl_;
  impl.settings = std::move(settings);
  RETURN_IF_ERROR(open_log(*impl.settings));
  RETURN_IF_ERROR(make_directory(impl.settings->text("data_directory")));
  std::error_code error;
  impl.data_directory = std::filesystem::absolute(impl.settings->text("data_directory"), error).string();
  impl.run_directory = impl.settings->text("run_directory");
  if (impl.run_directory.empty()) impl.run_directory = impl.data_directory;
  RETURN_IF_ERROR(make_directory(impl.run_directory));
  ASSIGN_OR_RETURN(impl.lock, lock_data_directory(impl.data_directory));
  RETURN_IF_ERROR(check_restore_finished(impl.data_directory));
  RETURN_IF_ERROR(open_stores(impl));
  impl.memory =
      std::make_unique<MemoryPool>(static_cast<size_t>(impl.settings->integer("query_memory")));
  const int64_t threads = impl.settings->integer("scan_threads");
  impl.pool = std::make_unique<ScanPool>(threads != 0 ? static_cast<size_t>(threads) : online_cpus());
  RETURN_IF_ERROR(start_pipeline(impl));
  RETURN_IF_ERROR(start_event_socket(impl));
  ASSIGN_OR_RETURN(impl.field_sampler, FieldSampler::start(*impl.shards, *impl.fields));
  start_plan_cache(impl);
  impl.settings->on_change([&impl](std::string_view name, const SettingValue& before,
                                   const SettingValue& after) { apply_change(impl, name, before, after); });
  return engine;
}

void Engine::reload() {
  impl_->settings->reload();
  // Also when nothing changed: the file may have been moved away.
  if (Status status = open_log(*impl_->settings); !status.ok()) {
    log::warning("the log is not opened anew: " + status.error().message);
  }
  if (Status status = impl_->shards->rescan(); !status.ok()) {
    log::warning("archives are not looked for: " + status.error().message);
  }
}

void Engine::dump_state() const {
  const std::string text = describe_state(*impl_);
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    log::info("state: " + text.substr(start, end - start));
    start = end + 1;
  }
  const std::string path = impl_->data_directory + "/dump." + std::to_string(::getpid()) + ".txt";
  std::ofstream out(path, std::ios::trunc);
  ::chmod(path.c_str(), 0600);  // statements may hold anything
  out << text;
  if (out.flush()) {
    log::info("state written to " + path);
  } else {
    log::warning("cannot write " + path);
  }
}

Status Engine::stop() {
  if (impl_ == nullptr || impl_->stopped) return {};
  impl_->stopped = true;
  if (impl_->event_socket) impl_->event_socket->stop();
  std::exchange(impl_->backup, nullptr);  // sessions are gone: nobody asks for another
  if (impl_->field_sampler) impl_->field_sampler->stop();
  if (impl_->retention) impl_->retention->stop();
  // A writer that is the last to close its file leaves no WAL behind.
  if (impl_->shards) impl_->shards->close_idle_connections(0);
  const bool all_committed = impl_->ingest == nullptr || impl_->ingest->stop();
  impl_->pool.reset();
  impl_->ingest.reset();
  impl_->retention.reset();  // the writers called it
  impl_->field_sampler.reset();
  impl_->shards.reset();
  if (all_committed) return {};
  return Status(sqlstate::kIoError, "not everything could be stored; see the log");
}

Settings& Engine::settings() { return *impl_->settings; }
const Settings& Engine::settings() const { return *impl_->settings; }
kmes::UserRings& Engine::rings() { return *impl_->rings; }
const std::string& Engine::data_directory() const { return impl_->data_directory; }
const std::string& Engine::run_directory() const { return impl_->run_directory; }

std::optional<RoleLogin> Engine::find_role(std::string_view name) const {
  const auto role = impl_->roles->find(name);
  if (!role) return std::nullopt;
  return RoleLogin{role->name, role->can_login, role->superuser, role->scram_verifier};
}

bool Engine::database_exists(std::string_view name) const {
  return name == "eventd" || name == "postgres";
}

std::unique_ptr<Session> Engine::make_session(const SessionIdentity& identity) {
  return std::make_unique<SessionImpl>(*impl_, identity);
}

void Engine::cancel(int32_t backend_pid, int32_t secret_key) {
  impl_->sessions.cancel(backend_pid, secret_key);
}

}  // namespace eventd::engine
