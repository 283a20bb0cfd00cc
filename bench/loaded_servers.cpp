#include "bench/loaded_servers.h"

#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <thread>

#include "engine/storage/shard_set.h"

namespace eventd::bench {
namespace {

constexpr size_t kRowsPerTransaction = 10'000;
constexpr size_t kSendBytes = 64 * 1024;

Status load_shards(const EventSet& events, const std::string& directory) {
  const uint32_t shard_count = std::max(1u, std::thread::hardware_concurrency());
  ASSIGN_OR_RETURN(const auto shards,
                   engine::ShardSet::open({.directory = directory, .shard_count = shard_count}));
  for (size_t start = 0; start < events.size(); start += kRowsPerTransaction) {
    const size_t end = std::min(start + kRowsPerTransaction, events.size());
    for (uint32_t index = 0; index < shard_count; ++index) {
      engine::Shard& shard = shards->shard(index);
      RETURN_IF_ERROR(shard.begin());
      for (size_t i = start; i < end; ++i) {
        if (events.event(i).cpu_id % shard_count == index) RETURN_IF_ERROR(shard.append(events.row(i)));
      }
      RETURN_IF_ERROR(shard.commit());
      shard.checkpoint_if_due();
    }
  }
  return {};
}

Status load_postgres(const EventSet& events, const Target& target) {
  ASSIGN_OR_RETURN(Database database, Database::connect(target));
  RETURN_IF_ERROR(database.begin_copy(
      "COPY events (timestamp, event_type, origin_class, cpu_id, sequence, process_guid, "
      "effective_token_guid, true_token_guid, boot_id, payload) FROM STDIN"));
  const Workload& workload = events.workload();
  const std::string boot_id = workload.boot_id().to_string();
  std::string data;
  for (size_t i = 0; i < events.size(); ++i) {
    const WorkloadEvent& event = events.event(i);
    fmt::format_to(std::back_inserter(data), "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t",
                   timestamp_text(event.timestamp_ns), workload.event_type(event),
                   event.origin_class, event.cpu_id, event.sequence,
                   workload.process_guid(event).to_string(),
                   workload.effective_token_guid(event).to_string(),
                   workload.true_token_guid(event).to_string(), boot_id);
    workload.append_json(event, data);
    data += '\n';
    if (data.size() < kSendBytes) continue;
    RETURN_IF_ERROR(database.put_copy_data(data));
    data.clear();
  }
  RETURN_IF_ERROR(database.put_copy_data(data));
  ASSIGN_OR_RETURN([[maybe_unused]] const int64_t count, database.end_copy());
  RETURN_IF_ERROR(database.run("CREATE INDEX ON events (cpu_id, sequence)"));
  return database.run("VACUUM ANALYZE events");
}

}  // namespace

std::string timestamp_text(int64_t timestamp_ns) {
  const time_t seconds = timestamp_ns / 1'000'000'000;
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     timestamp_ns % 1'000'000'000 / 1000);
}

Result<std::unique_ptr<LoadedServers>> LoadedServers::start(const BenchOptions& options,
                                                            const EventSet& events) {
  std::unique_ptr<LoadedServers> servers(new LoadedServers);
  ASSIGN_OR_RETURN(servers->postgres_,
                   PostgresServer::start(options.postgres_bin, options.work_directory));
  RETURN_IF_ERROR(servers->postgres_->create_events_table());
  RETURN_IF_ERROR(load_postgres(events, servers->postgres_->target()));
  ASSIGN_OR_RETURN(servers->directory_, TemporaryDirectory::create(options.work_directory));
  const std::string& directory = servers->directory_->path();
  std::error_code error;
  if (!std::filesystem::create_directory(directory + "/events", error)) {
    return Status(sqlstate::kIoError, "cannot make a directory in " + directory);
  }
  RETURN_IF_ERROR(load_shards(events, directory + "/events"));
  ASSIGN_OR_RETURN(servers->eventd_, EventdServer::start(options.eventd, directory));
  return servers;
}

}  // namespace eventd::bench
