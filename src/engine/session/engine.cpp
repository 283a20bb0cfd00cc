#include "engine/session/engine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "engine/ingest/boot.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/session/engine_impl.h"
#include "engine/session/session_impl.h"
#include "engine/session/setting_checks.h"
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

Result<UniqueFd> lock_directory(const std::string& directory) {
  const std::string path = directory + "/lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return system_error("cannot open " + path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Status(sqlstate::kObjectNotInPrerequisiteState,
                    "another server is using " + directory);
    }
    return system_error("cannot lock " + path);
  }
  return fd;
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

log::Options log_options(const Settings& settings) {
  log::Options options;
  options.level = static_cast<log::Level>(settings.integer("log_level"));
  options.json = settings.text("log_format") == "json";
  options.destination = settings.text("log_destination");
  return options;
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
  return {};
}

Status start_pipeline(Engine::Impl& impl) {
  const Settings& settings = *impl.settings;
  RETURN_IF_ERROR(check_ring_source(settings));
  ASSIGN_OR_RETURN(impl.boot_id, choose_boot_id(settings.text("boot_id")));
  ASSIGN_OR_RETURN(impl.rings,
                   kmes::UserRings::create(online_cpus(),
                                           static_cast<uint64_t>(settings.integer("ring_capacity"))));
  EventIngestOptions options;
  options.boot_id = impl.boot_id;
  options.max_batch_size = static_cast<uint32_t>(settings.integer("max_batch_size"));
  options.max_batch_latency_ns = settings.integer("max_batch_latency") * 1'000'000;
  const std::string affinity = settings.text("drain_affinity");
  using Affinity = EventIngestOptions::Affinity;
  options.drain_affinity = affinity == "cpu"   ? Affinity::kCpu
                           : affinity == "off" ? Affinity::kOff
                                               : Affinity::kNode;
  ASSIGN_OR_RETURN(impl.ingest, EventIngest::start(*impl.shards, *impl.rings, options));
  return {};
}

kmes::EventSocketLimits socket_limits(const Settings& settings) {
  return {static_cast<uint32_t>(settings.integer("max_event_size")),
          static_cast<uint32_t>(settings.integer("max_nesting_depth")),
          static_cast<uint32_t>(settings.integer("max_emit_rate_per_process"))};
}

Status start_event_socket(Engine::Impl& impl) {
  kmes::EventSocketOptions options;
  options.path = impl.settings->text("event_socket");
  if (options.path.empty()) options.path = impl.run_directory + "/event.sock";
  options.limits = socket_limits(*impl.settings);
  options.boot_id = impl.boot_id;
  ASSIGN_OR_RETURN(impl.event_socket, kmes::EventSocket::start(*impl.rings, options));
  return {};
}

// A live change reaches whoever uses the setting, and is recorded.
void apply_change(Engine::Impl& impl, std::string_view name, const SettingValue& before,
                  const SettingValue& after) {
  const Settings& settings = *impl.settings;
  if (name == "max_batch_size" || name == "max_batch_latency") {
    impl.ingest->set_max_batch(static_cast<uint32_t>(settings.integer("max_batch_size")),
                               settings.integer("max_batch_latency") * 1'000'000);
  } else if (name == "query_memory") {
    impl.memory->set_capacity(static_cast<size_t>(after.integer));
  } else if (name == "max_event_size" || name == "max_nesting_depth" ||
             name == "max_emit_rate_per_process") {
    impl.event_socket->set_limits(socket_limits(settings));
  } else if (name.starts_with("log_")) {
    if (Status status = log::configure(log_options(settings)); !status.ok()) {
      log::warning("log settings not applied: " + status.error().message);
    }
  }
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map_header(3);
  writer.string("key");
  writer.string(name);
  writer.string("old_value");
  writer.string(before.text);
  writer.string("new_value");
  writer.string(after.text);
  impl.ingest->add_synthetic("synthetic.config_change", std::move(payload));
}

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() { stop(); }

Result<std::unique_ptr<Engine>> Engine::start(std::unique_ptr<Settings> settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = std::move(settings);
  RETURN_IF_ERROR(log::configure(log_options(*impl->settings)));
  RETURN_IF_ERROR(make_directory(impl->settings->text("data_directory")));
  std::error_code error;
  impl->data_directory = std::filesystem::absolute(impl->settings->text("data_directory"), error).string();
  impl->run_directory = impl->settings->text("run_directory");
  if (impl->run_directory.empty()) impl->run_directory = impl->data_directory;
  RETURN_IF_ERROR(make_directory(impl->run_directory));
  ASSIGN_OR_RETURN(impl->lock, lock_directory(impl->data_directory));
  RETURN_IF_ERROR(open_stores(*impl));
  impl->memory = std::make_unique<MemoryPool>(
      static_cast<size_t>(impl->settings->integer("query_memory")));
  const int64_t threads = impl->settings->integer("scan_threads");
  impl->pool = std::make_unique<ScanPool>(threads != 0 ? static_cast<size_t>(threads) : online_cpus());
  RETURN_IF_ERROR(start_pipeline(*impl));
  RETURN_IF_ERROR(start_event_socket(*impl));
  impl->settings->on_change([raw = impl.get()](std::string_view name, const SettingValue& before,
                                               const SettingValue& after) {
    apply_change(*raw, name, before, after);
  });
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

void Engine::stop() {
  if (impl_ == nullptr || impl_->stopped) return;
  impl_->stopped = true;
  if (impl_->event_socket) impl_->event_socket->stop();
  if (impl_->ingest) impl_->ingest->stop();
  impl_->pool.reset();
  impl_->ingest.reset();
  impl_->shards.reset();
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
