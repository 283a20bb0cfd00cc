#include "engine/maintenance/backup.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/maintenance/shard_copy_task.h"
#include "engine/storage/shard_files.h"
#include "log.h"

namespace eventd::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPlainFiles[] = {"eventd.conf",    "eventd.auto.conf", "server.crt",
                                       "server.key",     "admin.password",   "scram_mock.key"};

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

Status make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  return {errno == ENOSPC ? sqlstate::kDiskFull : sqlstate::kIoError,
          fmt::format("could not create directory \"{}\": {}", path, std::strerror(errno))};
}

bool is_within(const fs::path& path, const fs::path& directory) {
  const fs::path relative = path.lexically_relative(directory);
  return !relative.empty() && *relative.begin() != "..";
}

// Without `..` and a slash at the end.
fs::path clean_path(const std::string& text) {
  const fs::path path = fs::path(text).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

Status check_target(const BackupOptions& options) {
  const fs::path target = clean_path(options.target);
  if (options.target.find('\0') != std::string::npos || !target.is_absolute() || !target.has_filename()) {
    return {sqlstate::kInvalidParameterValue, "the target of a backup is an absolute path"};
  }
  std::error_code error;
  const fs::path parent = fs::weakly_canonical(target.parent_path(), error);
  const fs::path data = fs::weakly_canonical(options.data_directory, error);
  if (is_within(parent / target.filename(), data)) {
    return {sqlstate::kInvalidParameterValue, "a backup can't be inside its data directory"};
  }
  const fs::file_status status = fs::symlink_status(target, error);
  if (!fs::exists(status)) return {};
  if (fs::is_directory(status) && fs::is_empty(target, error) && !error) return {};
  return {sqlstate::kDuplicateObject, fmt::format("\"{}\" exists and is not empty", options.target)};
}

// What a backup that was cut off left behind goes; anything else is not ours.
Status clear_leftovers(const std::string& path) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return {};
  if (!fs::exists(path + "/" + kIncompleteName, error)) {
    return {sqlstate::kDuplicateObject, fmt::format("\"{}\" is in the way", path)};
  }
  fs::remove_all(path, error);
  if (error) return {sqlstate::kIoError, fmt::format("could not remove \"{}\": {}", path, error.message())};
  return {};
}

}  // namespace

struct Backup::Impl {
  Impl(ShardSet& shard_set, EventIngest& event_ingest, const BackupOptions& backup_options)
      : shards(shard_set),
        ingest(event_ingest),
        options(backup_options),
        work_directory(clean_path(options.target).string() + ".tmp"),
        copies(std::make_shared<ShardCopies>(shards.shard_count())) {}

  void run(const std::function<void()>& notify);
  Result<BackupManifest> copy_everything();
  Status copy_databases(const std::string& folder);
  Status copy_inactive(const std::string& name);
  Status copy_active_shards();
  Status publish(const BackupManifest& manifest);
  bool is_active_shard(const std::string& path) const;
  std::string target_of(const std::string& name) const { return work_directory + "/" + name; }

  ShardSet& shards;
  EventIngest& ingest;
  const BackupOptions options;
  const std::string work_directory;
  const std::shared_ptr<ShardCopies> copies;
  std::vector<std::string> names;  // of what has been copied; the backup's thread

  std::atomic<bool> finished{false};
  std::mutex mutex;
  std::optional<Result<BackupManifest>> result;  // GUARDED_BY(mutex)
  std::thread thread;
};

Backup::Backup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::shared_ptr<Backup>> Backup::start(ShardSet& shards, EventIngest& ingest,
                                              const BackupOptions& options,
                                              std::function<void()> finished) {
  RETURN_IF_ERROR(check_target(options));
  auto impl = std::make_unique<Impl>(shards, ingest, options);
  Impl* const state = impl.get();
  auto backup = std::shared_ptr<Backup>(new Backup(std::move(impl)));
  state->thread = std::thread([state, finished = std::move(finished)] { state->run(finished); });
  return backup;
}

Backup::~Backup() {
  cancel();
  if (impl_->thread.joinable()) impl_->thread.join();
}

void Backup::cancel() { impl_->copies->cancel(); }
bool Backup::is_finished() const { return impl_->finished.load(std::memory_order_acquire); }

Result<BackupManifest> Backup::take_result() {
  const std::lock_guard lock(impl_->mutex);
  return std::move(*impl_->result);
}

void Backup::Impl::run(const std::function<void()>& notify) {
  Result<BackupManifest> outcome = [&]() -> Result<BackupManifest> {
    RETURN_IF_ERROR(clear_leftovers(work_directory));
    RETURN_IF_ERROR(make_private_directory(work_directory));
    Result<BackupManifest> copied = copy_everything();
    if (!copied.ok()) {
      std::error_code error;
      fs::remove_all(work_directory, error);
      if (error) log::warning(fmt::format("could not remove \"{}\": {}", work_directory, error.message()));
    }
    return copied;
  }();
  if (outcome.ok()) {
    log::info(fmt::format("backup to {}: {} files, {} bytes", options.target, outcome->files.size(),
                          outcome->total_bytes()));
  } else {
    log::warning(fmt::format("backup to {} failed: {}", options.target, outcome.error().message));
  }
  {
    const std::lock_guard lock(mutex);
    result.emplace(std::move(outcome));
  }
  finished.store(true, std::memory_order_release);
  if (notify) notify();
}

Result<BackupManifest> Backup::Impl::copy_everything() {
  RETURN_IF_ERROR(write_durable_file(target_of(kIncompleteName), ""));
  RETURN_IF_ERROR(make_private_directory(target_of("events")));
  RETURN_IF_ERROR(copy_databases(""));
  RETURN_IF_ERROR(copy_databases("events/"));
  for (const char* name : kPlainFiles) {
    std::error_code error;
    if (!fs::exists(options.data_directory + "/" + name, error)) continue;
    RETURN_IF_ERROR(copy_file_durably(options.data_directory + "/" + name, target_of(name),
                                      &copies->cancel_flag()));
    names.emplace_back(name);
  }
  RETURN_IF_ERROR(copy_active_shards());
  BackupManifest manifest{.created = utc_now(), .server = options.server_version, .files = {}};
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    RETURN_IF_ERROR(sync_path(target_of(name)));
    ASSIGN_OR_RETURN(FileDigest digest, digest_file(target_of(name), &copies->cancel_flag()));
    manifest.files.push_back({name, std::move(digest)});
  }
  RETURN_IF_ERROR(publish(manifest));
  return manifest;
}

bool Backup::Impl::is_active_shard(const std::string& path) const {
  for (uint32_t i = 0; i < shards.shard_count(); ++i) {
    if (fs::path(shards.shard(i).path()).filename() == fs::path(path).filename()) return true;
  }
  return false;
}

Status Backup::Impl::copy_databases(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(options.data_directory + "/" + folder, error)) {
    if (entry.path().extension() == ".db") found.push_back(folder + entry.path().filename().string());
  }
  if (error) {
    return {sqlstate::kIoError, fmt::format("could not read \"{}\": {}", options.data_directory,
                                            error.message())};
  }
  for (const std::string& name : found) {
    if (!folder.empty() && is_active_shard(name)) continue;
    RETURN_IF_ERROR(copy_inactive(name));
  }
  return {};
}

Status Backup::Impl::copy_inactive(const std::string& name) {
  const std::string source = options.data_directory + "/" + name;
  std::error_code error;
  Status status(sqlstate::kDataCorrupted, "");
  if (!shard_files::is_corrupt(name))
    status = copy_database(source, target_of(name), copies->cancel_flag());
  if (!status.ok() && !fs::exists(source, error)) {
    fs::remove(target_of(name), error);
    return {};  // retention has just removed it
  }
  if (!status.ok() && status.error().code == sqlstate::kDataCorrupted) {
    // What is damaged is kept as evidence, with what its WAL may still hold. Nobody writes it.
    fs::remove(target_of(name), error);
    for (const std::string suffix : {"", "-wal"}) {
      if (!fs::exists(source + suffix, error)) continue;
      RETURN_IF_ERROR(copy_file_durably(source + suffix, target_of(name + suffix), &copies->cancel_flag()));
      names.push_back(name + suffix);
    }
    return {};
  }
  RETURN_IF_ERROR(std::move(status));
  names.push_back(name);
  return {};
}

Status Backup::Impl::copy_active_shards() {
  for (uint32_t i = 0; i < shards.shard_count(); ++i) {
    const std::string name = "events/" + fs::path(shards.shard(i).path()).filename().string();
    ingest.post_maintenance(i, std::make_shared<ShardCopyTask>(copies, target_of(name)));
    names.push_back(name);
  }
  return copies->wait();
}

Status Backup::Impl::publish(const BackupManifest& manifest) {
  RETURN_IF_ERROR(write_durable_file(target_of(kManifestName), manifest.to_text()));
  RETURN_IF_ERROR(sync_path(target_of("events")));
  std::error_code error;
  fs::remove(target_of(kIncompleteName), error);
  RETURN_IF_ERROR(sync_path(work_directory));
  const std::string target = clean_path(options.target).string();
  if (std::rename(work_directory.c_str(), target.c_str()) != 0) {
    return {errno == ENOTEMPTY || errno == EEXIST ? sqlstate::kDuplicateObject : sqlstate::kIoError,
            fmt::format("could not rename \"{}\" to \"{}\": {}", work_directory, target,
                        std::strerror(errno))};
  }
  return sync_path(fs::path(target).parent_path().string());
}

}  // namespace eventd::engine
