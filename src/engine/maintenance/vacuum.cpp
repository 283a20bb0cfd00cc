#include "engine/maintenance/vacuum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/maintenance/durable_file.h"
#include "engine/storage/sqlite.h"

namespace eventd::engine {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWorthBytesMin = 1 << 20;
constexpr uint64_t kWorthShare = 10;  // a tenth of the file
constexpr char kNewSuffix[] = ".vacuum";

uint64_t size_or_zero(const std::string& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

}  // namespace

bool FileSpace::pays() const {
  return free_bytes >= kWorthBytesMin && free_bytes >= file_bytes / kWorthShare;
}

Result<std::vector<std::string>> database_files(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (fs::exists(path, error)) return std::vector<std::string>{path};
    return Status(sqlstate::kIoError, fmt::format("there is no \"{}\"", path));
  }
  std::vector<std::string> files;
  for (const std::string& folder : {path, path + "/events"}) {
    if (folder != path && !fs::exists(folder, error)) continue;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() == ".db") files.push_back(entry.path().string());
    }
    if (error) {
      return Status(sqlstate::kIoError, fmt::format("could not read \"{}\": {}", folder, error.message()));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<FileSpace> measure_space(const std::string& path) {
  ASSIGN_OR_RETURN(auto connection,
                   sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly}));
  ASSIGN_OR_RETURN(const int64_t free_pages, connection.query_int64("PRAGMA freelist_count"));
  ASSIGN_OR_RETURN(const int64_t page_bytes, connection.query_int64("PRAGMA page_size"));
  FileSpace space;
  space.path = path;
  space.file_bytes = size_or_zero(path);
  space.wal_bytes = size_or_zero(path + "-wal");
  space.free_bytes = static_cast<uint64_t>(free_pages) * static_cast<uint64_t>(page_bytes);
  return space;
}

Status vacuum_file(const std::string& path) {
  const std::string fresh = path + kNewSuffix;
  const auto remove_fresh = [&] {
    std::error_code ignored;
    fs::remove(fresh, ignored);
    fs::remove(fresh + "-wal", ignored);
  };
  remove_fresh();
  const Status status = [&]() -> Status {
    ASSIGN_OR_RETURN(auto connection,
                     sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadWrite,
                                                     .wal = false,
                                                     .busy_timeout_ms = 0}));
    ASSIGN_OR_RETURN(const int64_t known, connection.query_int64(
        "SELECT count(*) FROM metadata WHERE key='schema_version' AND value='1'"));
    if (known != 1) {
      return {sqlstate::kFeatureNotSupported, fmt::format("\"{}\" has an unknown schema version", path)};
    }
    // Out of WAL mode: everything is in the one file afterwards, and nobody else has it open.
    RETURN_IF_ERROR(connection.exec("PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=DELETE;"));
    RETURN_IF_ERROR(connection.exec("BEGIN EXCLUSIVE;COMMIT;"));
    Status copied = connection.exec("VACUUM INTO " + quoted(fresh));
    // Back again, also after a failure: the file is what it was.
    const Status restored = connection.exec("PRAGMA journal_mode=WAL;");
    RETURN_IF_ERROR(std::move(copied));
    if (!restored.ok()) return Status(Error(restored.error()));
    {
      ASSIGN_OR_RETURN(auto made, sqlite::Connection::open(fresh, {.mode = sqlite::OpenMode::kReadWrite}));
      ASSIGN_OR_RETURN(const int64_t tables, made.query_int64("SELECT count(*) FROM sqlite_schema"));
      (void)tables;
    }
    RETURN_IF_ERROR(sync_path(fresh));
    return {};
  }();
  if (!status.ok()) {
    remove_fresh();
    return Status(Error(status.error()));
  }
  // The connection is closed: no WAL is left that could be taken for the new file's.
  std::error_code error;
  if (size_or_zero(path + "-wal") != 0 || std::rename(fresh.c_str(), path.c_str()) != 0) {
    const Status failure(sqlstate::kIoError, fmt::format("could not put \"{}\" in the place of \"{}\"",
                                                         fresh, path));
    remove_fresh();
    return Status(Error(failure.error()));
  }
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(path + suffix, error);
  return sync_path(fs::path(path).parent_path().empty() ? "." : fs::path(path).parent_path().string());
}

}  // namespace eventd::engine
