#include "tests/unit/faults/fault_scenario.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "engine/storage/event_columns.h"

namespace eventd::engine {
namespace {

using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;

constexpr Guid kBoot{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
/// An answer that is not there after this never comes.
constexpr std::chrono::seconds kPatience{120};

std::string map_payload(size_t filler) {
  std::string payload = "\x81\xa1k\xda";  // {"k": str 16}
  payload += static_cast<char>(filler >> 8);
  payload += static_cast<char>(filler & 0xff);
  return payload + std::string(filler, 'x');
}

void pin(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);  // with one CPU: all in one ring
}

// The unsigned integer after `key` in a msgpack map, in hexadecimal.
uint64_t value_after(const std::string& hex, const std::string& key) {
  std::string hex_key;
  for (const char c : key) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02X", static_cast<unsigned>(c));
    hex_key += digits;
  }
  const size_t at = hex.find(hex_key);
  if (at == std::string::npos) return 0;
  const auto number = [&](size_t from, size_t bytes) {
    return std::stoull(hex.substr(from, bytes * 2), nullptr, 16);
  };
  const size_t value = at + hex_key.size();
  const uint64_t head = number(value, 1);
  if (head < 0x80) return head;
  return number(value + 2, size_t{1} << (head - 0xcc));  // uint 8, 16, 32, 64
}

}  // namespace

Status FaultScenario::start(uint32_t shards) {
  auto opened = ShardSet::open({.directory = directory_,
                                .shard_count = shards,
                                .wal_size_limit_bytes = 100'000,
                                .max_open_shards = 2});
  if (!opened.ok()) return std::move(opened).take_status();
  shards_ = std::move(*opened);
  auto rings = kmes::UserRings::create(kRings, 1 << 20);
  if (!rings.ok()) return std::move(rings).take_status();
  rings_ = std::move(*rings);
  auto ingest = EventIngest::start(*shards_, *rings_, {.boot_id = kBoot});
  if (!ingest.ok()) {
    stop();
    return std::move(ingest).take_status();
  }
  ingest_ = std::move(*ingest);
  return {};
}

void FaultScenario::continue_from(const FaultScenario& earlier) {
  transactions_ = earlier.transactions_;
  emitted_ = earlier.emitted_;
}

void FaultScenario::stop() {
  ingest_.reset();
  if (rings_) emitted_ += rings_->emitted_count();
  rings_.reset();
  shards_.reset();
}

void FaultScenario::emit(unsigned cpu, int count) {
  pin(cpu);
  const std::string payload = map_payload(20);
  const std::vector<kmes::EmitEntry> entries(static_cast<size_t>(count),
                                             {"ring.event", as_bytes(payload)});
  rings_->emit(entries, {});
}

bool FaultScenario::commit(int rows, size_t row_bytes, bool bulk, bool on_this_thread) {
  const std::string type = "sql." + std::to_string(transactions_.size());
  Transaction& booked = transactions_[type];
  booked.rows = rows;
  auto transaction = ingest_->begin_transaction(bulk, 16 << 10, int64_t{1} << 30);
  transaction->set_stamp({.process_guid = {}, .true_token_guid = {}, .effective_token_guid = {},
                          .timestamp_ns = 1'700'000'000'000'000'000});
  const std::string payload = map_payload(row_bytes);
  Status added;
  for (int i = 0; i < rows && added.ok(); ++i) added = transaction->add(type, as_bytes(payload));
  if (!added.ok()) {
    ++refused_;
    return false;
  }
  auto outcome = std::make_shared<std::promise<Status>>();
  auto answer = outcome->get_future();
  auto durable = [outcome](Status status, EventTransaction::Outcome) {
    outcome->set_value(std::move(status));
  };
  if (on_this_thread) {
    transaction->commit_here(std::move(durable));
  } else {
    transaction->submit(std::move(durable));
  }
  if (answer.wait_for(kPatience) != std::future_status::ready) {
    ADD_FAILURE() << type << " was never answered";
    abort();  // its writer would wait for ever too
  }
  const Status status = answer.get();
  booked.acknowledged = status.ok();
  if (status.ok()) return true;
  ++refused_;
  const std::string_view code = status.error().code.text();
  EXPECT_TRUE(code == "53100" || code == "58030" || code == "XX001") << code << " "
                                                                     << status.error().message;
  return false;
}

void FaultScenario::traffic() {
  const int refused_max = refused_ + 4;  // each costs a pause of the writer
  for (int round = 0; round < 3; ++round) {
    emit(0, 4);
    emit(1, 4);
    commit(3, 20, false, round % 2 == 1);
  }
  if (refused_ >= refused_max) return;
  commit(40, 1000, true, false);  // past the emit buffer: staged in chunks
  {
    auto dropped = ingest_->begin_transaction(true, 16 << 10, int64_t{1} << 30);
    const std::string payload = map_payload(1000);
    for (int i = 0; i < 40; ++i) (void)dropped->add("sql.dropped", as_bytes(payload));
  }
  commit(100, 1000, false, false);  // past wal_size_limit: a checkpoint, twice
  scan();
  if (refused_ >= refused_max) return;
  emit(0, 4);
  emit(1, 4);
  commit(1, 20, false, true);
}

void FaultScenario::scan() {
  ScanRequest request;
  request.columns.resize(1);
  request.columns[0].column = static_cast<int>(EventColumn::kEventType);
  request.access = AccessScope::everything();
  request.snapshot = shards_->snapshot();
  auto scan = shards_->events_relation().scan(request);
  if (!scan.ok()) return;
  auto cursor = (*scan)->open_worker();
  if (!cursor.ok()) return;
  Batch batch;
  // An error ends it; it must only not be the end of anything else.
  for (auto more = (*cursor)->next(batch); more.ok() && *more;) more = (*cursor)->next(batch);
}

bool FaultScenario::recovered() {
  for (int i = 0; i < 2000; ++i) {
    if (commit(1, 20, false, false)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::string FaultScenario::summary() const {
  return std::to_string(transactions_.size()) + " transactions, " + std::to_string(refused_) +
         " refused, " + std::to_string(emitted_) + " emitted in " + directory_;
}

void FaultScenario::verify(bool rings_complete) {
  const ShardFiles files(directory_);
  for (const auto& row : files.rows("PRAGMA integrity_check")) EXPECT_EQ(row.at(0), "ok");
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(entry.path().string().find("corrupt"), std::string::npos) << entry.path();
  }
  verify_transactions(files);
  verify_rings(files, rings_complete);
}

void FaultScenario::verify_nothing_is_staged() {
  EXPECT_EQ(ShardFiles(directory_).sum("SELECT count(*) FROM tails WHERE state=0"), 0);
}

void FaultScenario::verify_transactions(const ShardFiles& files) {
  std::map<std::string, int64_t> stored;
  for (const auto& row : files.rows("SELECT event_type,count(*) FROM events WHERE event_type GLOB "
                                    "'sql.*' GROUP BY 1")) {
    stored[row[0]] += std::stoll(row[1]);
  }
  for (const auto& [type, transaction] : transactions_) {
    if (transaction.acknowledged) {
      EXPECT_EQ(stored[type], transaction.rows) << type << " was acknowledged";
    } else {
      EXPECT_TRUE(stored[type] == 0 || stored[type] == transaction.rows)
          << type << ": " << stored[type] << " of " << transaction.rows << " rows";
    }
  }
  EXPECT_EQ(stored["sql.dropped"], 0);
  // No (CPU, sequence) twice, in no shard.
  std::map<std::string, int> seen;
  for (const auto& row : files.rows("SELECT cpu_id||':'||sequence FROM events WHERE sequence IS NOT "
                                    "NULL")) {
    EXPECT_EQ(++seen[row[0]], 1) << row[0];
  }
}

void FaultScenario::verify_rings(const ShardFiles& files, bool rings_complete) {
  uint64_t covered_all = 0;
  for (int cpu = 0; cpu < kRings; ++cpu) {
    const std::string of_cpu = " WHERE cpu_id=" + std::to_string(cpu);
    Ranges told;  // stored or missing
    for (const auto& row : files.rows("SELECT sequence FROM events" + of_cpu +
                                      " AND sequence IS NOT NULL")) {
      told.emplace_back(std::stoull(row[0]), std::stoull(row[0]));
    }
    for (const auto& row : files.rows("SELECT hex(payload) FROM events" + of_cpu +
                                      " AND event_type='synthetic.gap'")) {
      told.emplace_back(value_after(row[0], "first_missing"), value_after(row[0], "last_missing"));
    }
    std::sort(told.begin(), told.end());
    uint64_t last = 0;
    for (const auto& [first, end] : told) {
      EXPECT_EQ(first, last + 1) << "cpu " << cpu << ": " << first << "-" << end << " after " << last;
      last = std::max(last, end);
    }
    uint64_t covered = 0;
    for (const auto& row : files.rows("SELECT coalesce(max(last),0) FROM receipts" + of_cpu)) {
      covered = std::max<uint64_t>(covered, std::stoull(row[0]));
    }
    EXPECT_EQ(last, covered) << "cpu " << cpu << ": last told, last covered";
    covered_all += covered;
  }
  if (rings_complete) {
    EXPECT_EQ(covered_all, emitted_);
  }
}

}  // namespace eventd::engine
