#include "engine/ingest/synthetic.h"

#include "engine/ingest/msgpack_writer.h"

namespace eventd::engine::synthetic {
namespace {

void write_sequences(MsgpackWriter& writer, const SequenceByCpu& sequences) {
  writer.map(static_cast<uint32_t>(sequences.size()));
  for (const auto& [cpu, sequence] : sequences) {
    writer.text(std::to_string(cpu));
    writer.integer(sequence);
  }
}

}  // namespace

std::string startup_payload(const Guid& boot_id, bool restart, bool clean, uint32_t shard_count,
                            const SequenceByCpu& resume) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map(5);
  writer.text("boot_id");
  writer.text(boot_id.to_string());
  writer.text("restart");
  writer.boolean(restart);
  writer.text("clean");
  writer.boolean(clean);
  writer.text("shard_count");
  writer.integer(shard_count);
  writer.text("resume");
  write_sequences(writer, resume);
  return payload;
}

std::string shutdown_payload(const SequenceByCpu& last) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map(1);
  writer.text("last");
  write_sequences(writer, last);
  return payload;
}

std::string gap_payload(const Gap& gap) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map(6);
  writer.text("cpu_id");
  writer.integer(gap.cpu_id);
  writer.text("first_missing");
  writer.integer(gap.first_missing);
  writer.text("last_missing");
  writer.integer(gap.last_missing);
  writer.text("count");
  writer.integer(gap.count());
  writer.text("last_timestamp");
  writer.time(gap.last_timestamp_ns);
  writer.text("revealed_by_timestamp");
  writer.time(gap.revealed_by_timestamp_ns);
  return payload;
}

std::string storage_error_payload(std::string_view store, uint32_t shard, std::string_view error) {
  std::string payload;
  MsgpackWriter writer(payload);
  writer.map(3);
  writer.text("store");
  writer.text(store);
  writer.text("shard");
  writer.integer(shard);
  writer.text("error");
  writer.text(error);
  return payload;
}

}  // namespace eventd::engine::synthetic
