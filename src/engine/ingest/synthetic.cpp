#include "engine/ingest/synthetic.h"

#include "engine/payload/msgpack_writer.h"

namespace eventd::engine::synthetic {
namespace {

void write_sequences(MsgpackWriter& writer, const SequenceByCpu& sequences) {
  writer.map_header(static_cast<uint32_t>(sequences.size()));
  for (const auto& [cpu, sequence] : sequences) {
    writer.string(std::to_string(cpu));
    writer.unsigned_integer(sequence);
  }
}

void write_time(MsgpackWriter& writer, std::optional<int64_t> timestamp_ns) {
  if (timestamp_ns && *timestamp_ns >= 0) {
    writer.unsigned_integer(static_cast<uint64_t>(*timestamp_ns));
  } else {
    writer.nil();
  }
}

}  // namespace

std::string startup_payload(const Guid& boot_id, bool restart, bool clean, uint32_t shard_count,
                            const SequenceByCpu& resume) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map_header(5);
  writer.string("boot_id");
  writer.string(boot_id.to_string());
  writer.string("restart");
  writer.boolean(restart);
  writer.string("clean");
  writer.boolean(clean);
  writer.string("shard_count");
  writer.unsigned_integer(shard_count);
  writer.string("resume");
  write_sequences(writer, resume);
  return payload;
}

std::string shutdown_payload(const SequenceByCpu& last) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map_header(1);
  writer.string("last");
  write_sequences(writer, last);
  return payload;
}

std::string gap_payload(const Gap& gap) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map_header(6);
  writer.string("cpu_id");
  writer.unsigned_integer(gap.cpu_id);
  writer.string("first_missing");
  writer.unsigned_integer(gap.first_missing);
  writer.string("last_missing");
  writer.unsigned_integer(gap.last_missing);
  writer.string("count");
  writer.unsigned_integer(gap.count());
  writer.string("last_timestamp");
  write_time(writer, gap.last_timestamp_ns);
  writer.string("revealed_by_timestamp");
  write_time(writer, gap.revealed_by_timestamp_ns);
  return payload;
}

std::string storage_error_payload(std::string_view store, uint32_t shard, std::string_view error) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map_header(3);
  writer.string("store");
  writer.string(store);
  writer.string("shard");
  writer.unsigned_integer(shard);
  writer.string("error");
  writer.string(error);
  return payload;
}

}  // namespace eventd::engine::synthetic
