#include "engine/session/state_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "clock.h"
#include "engine/stats/registry.h"
#include "engine/storage/receipts.h"
#include "engine/storage/sqlite.h"
#include "kmes/ring_atomics.h"
#include "log.h"

namespace eventd::engine {
namespace {

constexpr size_t kRangesShownMax = 50;  // of one shard's receipts
constexpr int kReceiptsBusyMs = 200;

double statistic(const std::vector<Statistic>& statistics, const std::string& name) {
  const auto at = std::find_if(statistics.begin(), statistics.end(),
                               [&](const Statistic& s) { return s.name == name; });
  return at == statistics.end() ? 0 : at->value;
}

void describe_rings(const Engine::Impl& engine, const std::vector<Statistic>& statistics,
                    std::string& out) {
  out += "[rings]\n";
  if (engine.rings == nullptr) return;
  for (uint16_t cpu = 0; cpu < engine.rings->ring_count(); ++cpu) {
    // Kept, so that a resize meanwhile does not take it away.
    const std::shared_ptr<kmes::RingMapping> ring = engine.rings->ring(cpu);
    const kmes_producer_page& page = ring->producer();
    const auto lag = static_cast<uint64_t>(
        statistic(statistics, fmt::format("ingest.ring.{}.lag_bytes", cpu)));
    const uint64_t written = engine.rings->write_position(cpu);
    out += fmt::format(
        "cpu {}: generation {}, capacity {}, write_pos {}, tail_pos {}, stream: written {}, drained "
        "{}, lag {} bytes, last sequence {}\n",
        cpu, kmes_load_acquire(&page.generation), ring->capacity(), kmes_load_acquire(&page.write_pos),
        kmes_load_acquire(&page.tail_pos), written, written - std::min(lag, written), lag,
        engine.rings->last_sequence(cpu));
  }
}

void describe_sessions(const Engine::Impl& engine, std::string& out) {
  out += "[sessions]\n";
  const int64_t now_ns = Clock::system().monotonic_ns();
  for (const SessionActivity& session : engine.sessions.activities()) {
    out += fmt::format("pid {}: {}{}{}, ", session.pid, session.role,
                       session.client_address.empty() ? "" : " from ", session.client_address);
    if (session.running) {
      out += fmt::format("running for {} ms: {}\n", (now_ns - session.started_ns) / 1'000'000,
                         session.statement);
    } else {
      out += fmt::format("idle; last: {}\n", session.statement);
    }
  }
}

void describe_memory(const Engine::Impl& engine, std::string& out) {
  out += "[memory]\n";
  if (engine.memory != nullptr) {
    out += fmt::format("queries: {} of {} bytes\n", engine.memory->used_bytes(),
                       engine.memory->capacity_bytes());
  }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:") || line.starts_with("VmHWM:") || line.starts_with("Threads:"))
      out += line + "\n";
  }
}

// A file of its own: this may wait for a disk that no longer answers.
void describe_receipts(const Engine::Impl& engine, std::string& out) {
  out += "[receipts]\n";
  if (engine.shards == nullptr) return;
  for (uint32_t i = 0; i < engine.shards->shard_count(); ++i) {
    const std::string path = engine.shards->shard(i).path();
    auto connection = sqlite::Connection::open(
        path, {.mode = sqlite::OpenMode::kReadOnly, .busy_timeout_ms = kReceiptsBusyMs});
    std::vector<ReceiptRange> ranges;
    const Status status = connection.ok() ? read_receipts(*connection, ranges)
                                          : Status(Error(connection.error()));
    if (!status.ok()) out += fmt::format("shard {}: {}\n", i, status.error().message);
    size_t shown = 0;
    for (const ReceiptRange& range : ranges) {
      if (++shown > kRangesShownMax) break;
      out += fmt::format("shard {}: boot {} epoch {} cpu {}: {}-{}\n", i, range.boot_id.to_string(),
                         range.epoch.to_string(), range.cpu_id, range.first, range.last);
    }
    if (shown > kRangesShownMax)
      out += fmt::format("shard {}: {} ranges more\n", i, ranges.size() - kRangesShownMax);
  }
}

}  // namespace

std::string describe_state(const Engine::Impl& engine) {
  const std::vector<Statistic> statistics = stats().read();
  std::string out;
  describe_rings(engine, statistics, out);
  out += "[shards]\n";
  for (uint32_t i = 0; engine.shards != nullptr && i < engine.shards->shard_count(); ++i) {
    const auto of_shard = [&](std::string_view group, std::string_view name) {
      return statistic(statistics, fmt::format("{}.shard.{}.{}", group, i, name));
    };
    out += fmt::format(
        "shard {}: {}, handoff {} events, {} batches and {} events committed, last id {}, WAL {} "
        "bytes, {} commits failed\n",
        i, engine.shards->shard(i).path(), of_shard("ingest", "handoff_events"),
        of_shard("ingest", "batches"), of_shard("ingest", "events_committed"),
        engine.shards->shard(i).committed_id(), of_shard("storage", "wal_bytes"),
        of_shard("ingest", "commit_failures"));
  }
  out += "[pipeline]\n";
  if (engine.ingest != nullptr) engine.ingest->describe(out);
  describe_sessions(engine, out);
  describe_memory(engine, out);
  out += "[last warnings and errors]\n";
  for (const std::string& line : log::recent_problems()) out += line + "\n";
  out += "[statistics]\n";
  for (const Statistic& one : statistics) out += fmt::format("{} {}\n", one.name, one.value);
  describe_receipts(engine, out);
  return out;
}

}  // namespace eventd::engine
