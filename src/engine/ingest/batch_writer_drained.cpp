// Rows of a batch that come from the rings and from the server itself: events, gaps, synthetic events.
#include <algorithm>
#include <string>

#include "engine/ingest/batch_writer.h"
#include "kmes/event_view.h"

namespace eventd::engine {

Status BatchWriter::fill_from_rings() {
  while (!drained_.empty() && !batch_full()) {
    DrainedCursor& cursor = drained_.front();
    const uint64_t room = max_batch_size_.load(std::memory_order_relaxed) - batch_rows_;
    RETURN_IF_ERROR(ensure_begun());
    Status status = append_drained(cursor, static_cast<uint32_t>(room));
    // After a failure too: it is all accounted for, in this batch.
    if (cursor.event == cursor.batch->events) {
      handoff_.recycle(cursor.batch);
      drained_.pop_front();
    }
    RETURN_IF_ERROR(std::move(status));
    if (arrivals_.out_of_time(batch_started_ns_, options_.clock->monotonic_ns(),
                              max_batch_latency_ns_.load(std::memory_order_relaxed)))
      break;
  }
  return {};
}

Status BatchWriter::append_lost() {
  for (const Coverage::Range& range : lost_.ranges()) {
    if (batch_full()) break;
    ++batch_lost_;
    RETURN_IF_ERROR(append_gap({.first_missing = range.first,
                                .last_missing = range.last,
                                .last_timestamp_ns = std::nullopt,
                                .revealed_by_timestamp_ns = std::nullopt,
                                .cpu_id = range.cpu_id}));
    batch_coverage_.add(range.cpu_id, range.first, range.last);
  }
  return {};
}

Status BatchWriter::append_gap(const Gap& gap) {
  RETURN_IF_ERROR(ensure_begun());
  ++batch_rows_;
  const std::string payload = synthetic::gap_payload(gap);
  EventRow row;
  row.timestamp_ns = options_.clock->realtime_ns();
  row.boot_id = options_.boot_id.bytes.data();
  row.event_type = synthetic::kGap;
  row.payload = as_bytes(payload);
  row.cpu_id = gap.cpu_id;
  return shard_.append(row);
}

Status BatchWriter::append_synthetic(const SyntheticEvent& event) {
  RETURN_IF_ERROR(ensure_begun());
  ++batch_rows_;
  EventRow row;
  row.timestamp_ns = event.timestamp_ns;
  row.boot_id = options_.boot_id.bytes.data();
  row.event_type = event.type;
  row.payload = as_bytes(event.payload);
  batch_receipts_.insert(batch_receipts_.end(), event.receipts.begin(), event.receipts.end());
  return shard_.append(row);
}

Status BatchWriter::append_drained(DrainedCursor& cursor, uint32_t rows_max) {
  const DrainedBatch& batch = *cursor.batch;
  const uint8_t* events = batch.arena.used().data();
  uint32_t rows = 0;
  uint64_t covered = 0;
  Status status;
  while (cursor.event < batch.events && rows < rows_max && status.ok()) {
    const kmes::EventView event(events + cursor.offset);
    // Counted as covered before it is written: a failure loses it with the rest of the batch.
    covered = event.sequence();
    ++rows;
    if (cursor.gap < batch.gaps.size() && batch.gaps[cursor.gap].before_event == cursor.event) {
      const Gap& gap = batch.gaps[cursor.gap++].gap;
      covered = gap.last_missing;
      status = append_gap(gap);
      continue;
    }
    cursor.offset += event.event_size();
    ++cursor.event;
    EventRow row;
    row.timestamp_ns = event.timestamp_ns();
    batch_oldest_ns_ = std::min(batch_oldest_ns_, row.timestamp_ns);
    row.sequence = event.sequence();
    row.boot_id = options_.boot_id.bytes.data();
    row.effective_token_guid = event.effective_token_guid();
    row.true_token_guid = event.true_token_guid();
    row.process_guid = event.process_guid();
    row.event_type = event.type();
    row.payload = event.payload();
    row.cpu_id = event.cpu_id();
    row.origin_class = event.origin_class();
    status = shard_.append(row);
    ++batch_rows_;
  }
  // Gaps revealed by refused events at the end come after the last event.
  while (status.ok() && cursor.event == batch.events && cursor.gap < batch.gaps.size())
    status = append_gap(batch.gaps[cursor.gap++].gap);
  if (cursor.event == batch.events) covered = batch.covered_last;
  if (covered != 0) {
    batch_coverage_.add(batch.cpu_id, cursor.covered_from, covered);
    cursor.covered_from = covered + 1;
  }
  return status;
}

}  // namespace eventd::engine
