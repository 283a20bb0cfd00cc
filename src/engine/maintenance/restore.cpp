#include "engine/maintenance/restore.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/maintenance/directory_lock.h"

namespace eventd::engine {
namespace {

namespace fs = std::filesystem;

constexpr size_t kManifestBytesMax = 64 << 20;

Status ensure_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return {sqlstate::kIoError,
          fmt::format("could not create directory \"{}\": {}", path, std::strerror(errno))};
}

// Only the lock may be there.
Status check_is_empty(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename() == "lock") continue;
    return {sqlstate::kDuplicateObject, fmt::format("\"{}\" is not empty", directory)};
  }
  if (error) return {sqlstate::kIoError, fmt::format("could not read \"{}\": {}", directory, error.message())};
  return {};
}

Result<BackupManifest> read_manifest(const std::string& backup) {
  std::error_code error;
  if (fs::exists(backup + "/" + kIncompleteName, error)) {
    return Status(sqlstate::kDataCorrupted, fmt::format("the backup in \"{}\" was not finished", backup));
  }
  ASSIGN_OR_RETURN(const std::string text,
                   read_small_file(backup + "/" + kManifestName, kManifestBytesMax));
  return BackupManifest::parse(text);
}

Status check_digest(const std::string& path, const FileDigest& expected) {
  ASSIGN_OR_RETURN(const FileDigest digest, digest_file(path, nullptr));
  if (digest.bytes == expected.bytes && digest.sha256 == expected.sha256) return {};
  return {sqlstate::kDataCorrupted,
          fmt::format("\"{}\" is not what the backup's manifest says", path)};
}

Status copy_files(const BackupManifest& manifest, const std::string& backup,
                  const std::string& data_directory) {
  for (const ManifestFile& file : manifest.files) {
    const std::string target = data_directory + "/" + file.name;
    if (file.name.find('/') != std::string::npos)
      RETURN_IF_ERROR(ensure_directory(fs::path(target).parent_path().string()));
    RETURN_IF_ERROR(copy_file_durably(backup + "/" + file.name, target, nullptr));
    RETURN_IF_ERROR(check_digest(target, file.digest));
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data_directory, error)) {
    if (entry.is_directory(error)) RETURN_IF_ERROR(sync_path(entry.path().string()));
  }
  return sync_path(data_directory);
}

}  // namespace

Result<BackupManifest> restore_backup(const std::string& backup, const std::string& data_directory) {
  ASSIGN_OR_RETURN(BackupManifest manifest, read_manifest(backup));
  // All of it before anything is written.
  for (const ManifestFile& file : manifest.files)
    RETURN_IF_ERROR(check_digest(backup + "/" + file.name, file.digest));
  RETURN_IF_ERROR(ensure_directory(data_directory));
  ASSIGN_OR_RETURN(const UniqueFd lock, lock_data_directory(data_directory));
  RETURN_IF_ERROR(check_is_empty(data_directory));
  const std::string marker = data_directory + "/" + kIncompleteName;
  RETURN_IF_ERROR(write_durable_file(marker, ""));
  Status status = copy_files(manifest, backup, data_directory);
  std::error_code error;
  if (!status.ok()) {
    for (const auto& entry : fs::directory_iterator(data_directory, error)) {
      std::error_code ignored;
      if (entry.path().filename() != "lock" && entry.path() != marker) fs::remove_all(entry.path(), ignored);
    }
  }
  fs::remove(marker, error);
  RETURN_IF_ERROR(std::move(status));
  RETURN_IF_ERROR(sync_path(data_directory));
  return manifest;
}

Status check_restore_finished(const std::string& data_directory) {
  std::error_code error;
  if (!fs::exists(data_directory + "/" + kIncompleteName, error)) return {};
  Error failure;
  failure.code = sqlstate::kObjectNotInPrerequisiteState;
  failure.message = fmt::format("the restore into \"{}\" was not finished", data_directory);
  failure.hint = "Empty the directory and run evctl restore again.";
  return failure;
}

}  // namespace eventd::engine
