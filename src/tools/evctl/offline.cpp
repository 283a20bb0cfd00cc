// Commands on files, without a server.
#include <cstdio>
#include <filesystem>

#include "commands.h"
#include "engine/maintenance/directory_lock.h"
#include "engine/maintenance/restore.h"
#include "engine/maintenance/salvage.h"
#include "engine/maintenance/vacuum.h"

namespace eventd::evctl {
namespace {

namespace fs = std::filesystem;

unsigned long long number(uint64_t value) { return value; }

// A file that was set aside is kept as it is: salvage reads it.
bool is_set_aside(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name.find(".corrupt-") != std::string::npos || name.find(".unknown-version-") != std::string::npos;
}

Status print_space(const std::string& path) {
  ASSIGN_OR_RETURN(const engine::FileSpace space, engine::measure_space(path));
  std::printf("%14llu %14llu %5.1f %%  %-4s %s\n", number(space.file_bytes), number(space.free_bytes),
              space.file_bytes == 0 ? 0.0
                                    : 100.0 * static_cast<double>(space.free_bytes) /
                                          static_cast<double>(space.file_bytes),
              space.pays() ? "yes" : "no", path.c_str());
  return {};
}

Status vacuum_and_print(const std::string& path) {
  ASSIGN_OR_RETURN(const engine::FileSpace before, engine::measure_space(path));
  RETURN_IF_ERROR(engine::vacuum_file(path));
  ASSIGN_OR_RETURN(const engine::FileSpace after, engine::measure_space(path));
  std::printf("%s: %llu bytes, was %llu\n", path.c_str(), number(after.file_bytes),
              number(before.file_bytes + before.wal_bytes));
  return {};
}

}  // namespace

Status restore(const std::string& backup, const std::string& data_directory) {
  ASSIGN_OR_RETURN(const engine::BackupManifest manifest,
                   engine::restore_backup(backup, data_directory));
  std::printf("restored %zu files, %llu bytes, of %s into %s\n", manifest.files.size(),
              number(manifest.total_bytes()), manifest.created.c_str(), data_directory.c_str());
  return {};
}

Status vacuum(const VacuumOptions& options) {
  const std::string path = options.file.empty() ? options.data_directory : options.file;
  ASSIGN_OR_RETURN(const auto files, engine::database_files(path));
  if (options.only_check) {
    std::printf("%14s %14s %7s  %-4s %s\n", "bytes", "free", "", "pays", "file");
    for (const std::string& file : files) RETURN_IF_ERROR(print_space(file));
    return {};
  }
  UniqueFd lock;
  if (options.file.empty()) {
    ASSIGN_OR_RETURN(lock, engine::lock_data_directory(options.data_directory));
  }
  Status first_failure;
  for (const std::string& file : files) {
    if (is_set_aside(file)) {
      std::printf("%s: left alone, it was set aside\n", file.c_str());
      continue;
    }
    Status status = vacuum_and_print(file);
    if (!status.ok()) std::fprintf(stderr, "evctl: %s\n", status.error().message.c_str());
    if (!status.ok() && first_failure.ok())
      first_failure = Status(status.error().code, "not every file could be vacuumed");
  }
  return first_failure;
}

Status salvage(const std::string& damaged, const std::string& output) {
  std::string target = output;
  // Not .db: a server reads every .db in its events folder, and the damaged file is still there.
  if (target.empty()) target = fs::path(damaged).replace_extension(".salvaged").string();
  ASSIGN_OR_RETURN(const engine::SalvageReport report, engine::salvage_shard(damaged, target));
  for (const std::string& remark : report.remarks) std::printf("%s\n", remark.c_str());
  std::printf("%llu rows copied, at least %llu missing, %llu refused as impossible; %llu receipts, %llu "
              "event types\n",
              number(report.rows_copied), number(report.rows_missing), number(report.rows_refused),
              number(report.receipts), number(report.event_types));
  std::printf("in %s. To have a server read it instead of the damaged file: move that away, and this one "
              "into its events folder under a name that ends in .db.\n",
              target.c_str());
  return {};
}

}  // namespace eventd::evctl
