#include "engine/storage/historical_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/storage/event_schema.h"
#include "engine/storage/receipts.h"
#include "engine/storage/shard_files.h"
#include "log.h"

namespace eventd::engine {
namespace {

// Opening a file mostly waits for the file system.
constexpr size_t kLoadThreadsMax = 4;
constexpr size_t kFilesPerThread = 64;

// Without a WAL there is nothing to share with others: an immutable open makes no -wal and -shm, which
// is most of the work. Not for long, however: retention may write to the file later.
Result<sqlite::Connection> open_to_load(const std::string& path) {
  std::error_code error;
  const auto wal_bytes = std::filesystem::file_size(path + "-wal", error);
  const bool no_wal = error ? error == std::errc::no_such_file_or_directory : wal_bytes == 0;
  return sqlite::Connection::open(
      path, {.mode = no_wal ? sqlite::OpenMode::kImmutable : sqlite::OpenMode::kReadOnly});
}

std::optional<HistoricalFile> load_file(const std::string& path) {
  HistoricalFile loaded;
  loaded.shard.file = std::make_shared<ShardFile>(path, ShardFile::kHistorical);
  ShardFile& file = *loaded.shard.file;
  const bool corrupt = shard_files::is_corrupt(path);
  if (corrupt) file.forbid_writes();
  auto connection = open_to_load(path);
  Status status;
  if (!connection.ok()) {
    log::error(connection.error().message);
    return std::nullopt;
  }
  auto tails = connection->query_int64(
      "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name IN('tails','events_0')");
  if (!tails.ok()) {
    log::error(fmt::format("\"{}\" is not readable: {}", path, tails.error().message));
    return std::nullopt;
  }
  if (*tails == 0) return std::nullopt;  // some other database
  if (status = event_schema::check(*connection); !status.ok()) {
    file.forbid_writes();
    log::warning(fmt::format("\"{}\": {}; reading what is readable", path, status.error().message));
  }
  auto view = event_schema::load_view(*connection);
  if (!view.ok()) {
    file.forbid_writes();
    log::warning(fmt::format("\"{}\": {}; reading what is readable", path, view.error().message));
    view = load_view_around_damage(*connection);
  }
  // Nobody appends to it.
  std::erase_if(view->tails, [](const TailInfo& tail) { return tail.row_count == 0; });
  file.set_view(std::make_shared<const ShardView>(std::move(*view)));
  loaded.shard.view = file.view();
  if (status = read_receipts(*connection, loaded.receipts); !status.ok()) {
    log::warning(fmt::format("\"{}\": receipts: {}", path, status.error().message));
  }
  return loaded;
}

}  // namespace

Result<std::vector<std::string>> list_historical(const std::string& directory,
                                                 const std::vector<std::string>& active) {
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::filesystem::path& path = at->path();
    if (path.extension() != ".db" || path.filename() == shard_files::kMetaDatabase) continue;
    if (std::find(active.begin(), active.end(), path.filename().string()) != active.end()) continue;
    paths.push_back(path.string());
  }
  if (error) {
    return Status(sqlstate::kIoError, fmt::format("could not read directory \"{}\": {}", directory,
                                                  error.message()));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<HistoricalFile> load_historical(const std::vector<std::string>& paths) {
  std::vector<std::optional<HistoricalFile>> loaded(paths.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < paths.size(); i = next++) loaded[i] = load_file(paths[i]);
  };
  std::vector<std::thread> threads;
  while (threads.size() < std::min(paths.size() / kFilesPerThread, kLoadThreadsMax)) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& thread : threads) thread.join();
  std::vector<HistoricalFile> files;
  for (auto& file : loaded) {
    if (file) files.push_back(std::move(*file));
  }
  return files;
}

ShardView load_view_around_damage(sqlite::Connection& connection) {
  ShardView view;
  std::vector<TailInfo> tails;
  if (auto list = connection.prepare("SELECT number,id_base FROM tails WHERE state=1"); list.ok()) {
    while (true) {
      const auto more = list->step();
      if (!more.ok() || !*more) break;
      const int64_t number = list->int64(0);
      const int64_t id_base = list->int64(1);
      if (number < 0 || number > std::numeric_limits<int32_t>::max()) continue;
      if (id_base < 0 || id_base > event_schema::kIdMax) continue;
      tails.push_back({.number = static_cast<uint32_t>(number), .id_base = id_base});
    }
  }
  // Those that are always there; which of the others were published is not known without the list.
  for (uint32_t number = 0; number < kTailTables; ++number) {
    const bool listed = std::any_of(tails.begin(), tails.end(),
                                    [&](const TailInfo& tail) { return tail.number == number; });
    if (!listed) tails.push_back({.number = number});
  }
  for (TailInfo& tail : tails) {
    auto ranges = event_schema::load_tail(connection, tail);
    if (ranges.ok()) continue;
    tail.damaged = true;
    tail.row_count = 1;
    tail.first_rowid = 1;
    tail.last_rowid = event_schema::kIdMax;
    tail.timestamp_min_ns = std::numeric_limits<int64_t>::min();
    tail.timestamp_max_ns = std::numeric_limits<int64_t>::max();
  }
  view.tails = std::move(tails);
  return view;
}

CarriedOver read_carried_over(const std::string& path) {
  CarriedOver carried;
  auto connection = sqlite::Connection::open(path, {.mode = sqlite::OpenMode::kReadOnly});
  if (!connection.ok()) return carried;
  if (Status status = read_receipts(*connection, carried.receipts); !status.ok()) {
    log::warning(fmt::format("\"{}\": receipts: {}", path, status.error().message));
  }
  for (const TailInfo& tail : load_view_around_damage(*connection).tails) {
    if (tail.damaged || tail.row_count == 0) continue;
    carried.last_id = std::max(carried.last_id, tail.last_rowid + tail.id_base);
  }
  const auto saved = connection->query_int64(
      "SELECT CAST(value AS INTEGER) FROM metadata WHERE key='last_id'");
  if (saved.ok()) carried.last_id = std::max(carried.last_id, *saved);
  return carried;
}

}  // namespace eventd::engine
