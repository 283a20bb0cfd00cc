#include "engine/storage/shard_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "clock.h"
#include "log.h"
#include "unique_fd.h"

namespace eventd::engine::shard_files {
namespace {

namespace fs = std::filesystem;

// The database last: as long as it has its old name the renaming is not over.
constexpr std::array<std::string_view, 3> kSuffixes = {"-wal", "-shm", ""};
// A symbolic link from here to the new name exists while a file is being renamed: made in one step,
// so that a crash between two renames can't part a database from its WAL.
constexpr std::string_view kMark = "-renaming";
constexpr int kNamesMax = 10'000;

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

std::string with(const std::string& path, std::string_view suffix) {
  return path + std::string(suffix);
}

Status failed(const std::string& what) {
  return {sqlstate::kIoError, fmt::format("{}: {}", what, std::strerror(errno))};
}

void sync_directory(const fs::path& directory) {
  // Best effort: renames that a power loss undoes are done again by whoever finds the damage.
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) (void)::fsync(fd.get());
}

Result<std::string> free_name(const std::string& path, std::string_view why) {
  const std::time_t now = Clock::system().realtime_ns() / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&now, &utc);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &utc);
  std::string stem = path;
  if (stem.ends_with(".db")) stem.resize(stem.size() - 3);
  for (int i = 1; i < kNamesMax; ++i) {
    // Two within one second.
    const std::string name = fmt::format("{}.{}-{}{}.db", stem, why, time,
                                         i == 1 ? std::string() : fmt::format("-{}", i));
    bool taken = false;
    for (const std::string_view suffix : kSuffixes) taken |= exists(with(name, suffix));
    if (!taken) return name;
  }
  return Status(sqlstate::kIoError, fmt::format("no free name to set \"{}\" aside", path));
}

}  // namespace

std::string name(uint32_t index) { return fmt::format("shard-{:04}.db", index); }

bool is_corrupt(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path.find(fmt::format(".{}-", kCorrupt)) != std::string_view::npos;
}

Result<std::string> set_aside(const std::string& path, std::string_view why) {
  ASSIGN_OR_RETURN(const std::string target, free_name(path, why));
  const std::string mark = with(path, kMark);
  const fs::path directory = fs::path(path).parent_path();
  (void)::unlink(mark.c_str());
  if (::symlink(fs::path(target).filename().c_str(), mark.c_str()) != 0) {
    return failed(fmt::format("could not create \"{}\"", mark));
  }
  sync_directory(directory);
  std::vector<std::string_view> renamed;
  Status status;
  for (const std::string_view suffix : kSuffixes) {
    if (!exists(with(path, suffix))) continue;
    if (std::rename(with(path, suffix).c_str(), with(target, suffix).c_str()) != 0) {
      status = failed(fmt::format("could not rename \"{}\"", with(path, suffix)));
      break;
    }
    renamed.push_back(suffix);
  }
  for (const std::string_view suffix : renamed) {
    if (status.ok()) break;
    (void)std::rename(with(target, suffix).c_str(), with(path, suffix).c_str());
  }
  sync_directory(directory);
  (void)::unlink(mark.c_str());
  if (!status.ok()) return status;
  sync_directory(directory);
  return target;
}

Status finish(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> marks;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().string().ends_with(kMark) && entry.is_symlink()) {
      marks.push_back(entry.path().string());
    }
  }
  if (error) {
    return {sqlstate::kIoError,
            fmt::format("could not read directory \"{}\": {}", directory, error.message())};
  }
  for (const std::string& mark : marks) {
    const std::string path = mark.substr(0, mark.size() - kMark.size());
    // The file name alone: a link can't lead out of the directory.
    const fs::path name = fs::read_symlink(mark, error).filename();
    if (error || name.empty()) continue;
    const std::string target = (fs::path(directory) / name).string();
    log::warning(fmt::format("\"{}\": finishing its renaming to \"{}\"", path, target));
    // The database kept its name until all others had theirs: when it is gone, a new one may be there
    // by now only if the mark was removed.
    if (exists(path) && !exists(target)) {
      for (const std::string_view suffix : kSuffixes) {
        if (!exists(with(path, suffix)) || exists(with(target, suffix))) continue;
        if (std::rename(with(path, suffix).c_str(), with(target, suffix).c_str()) != 0) {
          return failed(fmt::format("could not rename \"{}\"", with(path, suffix)));
        }
      }
    }
    sync_directory(directory);
    if (::unlink(mark.c_str()) != 0) return failed(fmt::format("could not remove \"{}\"", mark));
  }
  return {};
}

}  // namespace eventd::engine::shard_files
