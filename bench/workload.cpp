#include "bench/workload.h"

#include <fmt/format.h>

#include <cassert>

#include "clock.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::bench {
namespace {

constexpr const char* kAreas[] = {"file",    "process", "registry", "token",
                                  "network", "service", "object",   "policy"};
constexpr const char* kVerbs[] = {"access", "create", "delete", "modify", "query"};
constexpr const char* kFolders[] = {"/usr/lib/x86_64-linux-gnu", "/var/lib/postgresql/15/main",
                                    "/home/projects/eventstore", "/opt/application/resource",
                                    "/srv/exports/departments"};
constexpr uint32_t kAlwaysGranted = 0x20000;  // READ_CONTROL
constexpr int kAccessBits = 22;

Guid random_guid(Random& random) {
  Guid guid;
  for (size_t i = 0; i < guid.bytes.size(); i += 8) store_le(guid.bytes.data() + i, random.next());
  return guid;
}

}  // namespace

Workload::Workload(uint64_t events, int64_t begin_ns, uint64_t seed)
    : events_(events), begin_ns_(begin_ns), random_(seed) {
  assert(events > 0);
  // The most frequent types are spread over areas and verbs.
  for (size_t i = 0; i < 40; ++i) types_.push_back(fmt::format("kacs.{}.{}", kAreas[i % 8], kVerbs[i / 8]));
  for (size_t i = 0; i < 500; ++i) {
    sids_.push_back(fmt::format("S-1-5-21-1004336348-1177238915-682003330-{}", 1000 + i));
  }
  for (size_t i = 0; i < 5000; ++i) {
    paths_.push_back(fmt::format("{}/part{:02}/file{:04}", kFolders[i % 5], i % 37, i));
  }
  for (size_t i = 0; i < 100; ++i) users_.push_back(fmt::format("account{:03}", i));
  boot_id_ = random_guid(random_);
  for (size_t i = 0; i < 50; ++i) tokens_.push_back(random_guid(random_));
  for (size_t i = 0; i < 2000; ++i) processes_.push_back(random_guid(random_));
}

WorkloadEvent Workload::next() {
  WorkloadEvent event;
  const double step_ns = static_cast<double>(kDayNs) / static_cast<double>(events_);
  event.timestamp_ns =
      begin_ns_ +
      static_cast<int64_t>((static_cast<double>(made_++) + random_.uniform()) * step_ns);
  event.cpu_id = static_cast<uint16_t>(random_.below(2));
  event.sequence = ++sequences_[event.cpu_id];
  event.event_type = static_cast<uint16_t>(type_zipf_.rank(random_));
  const uint64_t origin = random_.below(100);
  event.origin_class = origin < 70 ? 0 : origin < 90 ? 1 : origin < 98 ? 2 : 3;
  event.true_token = static_cast<uint8_t>(token_zipf_.rank(random_));
  event.effective_token = random_.below(100) < 80 ? event.true_token
                                                  : static_cast<uint8_t>(token_zipf_.rank(random_));
  event.process = static_cast<uint16_t>(process_zipf_.rank(random_));
  event.granted_access = kAlwaysGranted | (1u << random_.below(kAccessBits));
  event.target_sid = static_cast<uint16_t>(sid_zipf_.rank(random_));
  event.path = static_cast<uint16_t>(path_zipf_.rank(random_));
  event.latency_us = static_cast<uint32_t>(random_.lognormal(5.0, 1.2));
  event.ok = random_.below(100) < 97;
  event.bytes = static_cast<uint16_t>(random_.below(65'536));
  event.user = static_cast<uint8_t>(user_zipf_.rank(random_));
  return event;
}

void Workload::append_msgpack(const WorkloadEvent& event, std::string& out) const {
  engine::MsgpackWriter writer(out);
  writer.map_header(8);
  writer.string("granted_access");
  writer.unsigned_integer(event.granted_access);
  writer.string("target_sid");
  writer.string(sids_[event.target_sid]);
  writer.string("path");
  writer.string(paths_[event.path]);
  writer.string("pid");
  writer.unsigned_integer(300 + 13 * uint64_t{event.process});
  writer.string("latency_us");
  writer.unsigned_integer(event.latency_us);
  writer.string("ok");
  writer.boolean(event.ok);
  writer.string("bytes");
  writer.unsigned_integer(event.bytes);
  writer.string("user");
  writer.string(users_[event.user]);
}

void Workload::append_json(const WorkloadEvent& event, std::string& out) const {
  fmt::format_to(std::back_inserter(out),
                 R"({{"granted_access":{},"target_sid":"{}","path":"{}","pid":{},"latency_us":{},)"
                 R"("ok":{},"bytes":{},"user":"{}"}})",
                 event.granted_access, sids_[event.target_sid], paths_[event.path],
                 300 + 13 * uint32_t{event.process}, event.latency_us, event.ok, event.bytes,
                 users_[event.user]);
}

int64_t recent_day_begin_ns() {
  constexpr int64_t kMinuteNs = int64_t{60} * 1'000'000'000;
  const int64_t now = Clock::system().realtime_ns();
  return now - now % kMinuteNs - Workload::kDayNs;
}

void append_copy_row(const Workload& workload, const WorkloadEvent& event, std::string& out) {
  out += workload.event_type(event);
  out += '\t';
  workload.append_json(event, out);
  out += '\n';
}

}  // namespace eventd::bench
