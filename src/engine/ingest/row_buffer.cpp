#include "engine/ingest/row_buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace eventd::engine {
namespace {

constexpr size_t kRowHeaderBytes = 8;
// A single INSERT costs one small allocation, a COPY few large ones.
constexpr size_t kSegmentBytesMin = 512;
constexpr size_t kSegmentBytesMax = 1 << 20;

size_t row_bytes(const uint8_t* row) {
  return kRowHeaderBytes + load_le<uint32_t>(row) + load_le<uint32_t>(row + 4);
}

}  // namespace

void RowBuffer::set_stamp(const Stamp& stamp) {
  if (!stamps_.empty() && stamps_.back().first_row == row_count_) {
    *stamps_.back().stamp = stamp;
  } else {
    stamps_.push_back({row_count_, std::make_unique<Stamp>(stamp)});
  }
}

void RowBuffer::add(std::string_view event_type, ByteSpan payload) {
  if (stamps_.empty()) set_stamp({});
  const size_t size = kRowHeaderBytes + event_type.size() + payload.size();
  if (segments_.empty() ||
      segments_.back().capacity_bytes - segments_.back().used_bytes < size) {
    size_t capacity = kSegmentBytesMin;
    if (!segments_.empty()) capacity = std::min(segments_.back().capacity_bytes * 4, kSegmentBytesMax);
    capacity = std::max(capacity, size);
    segments_.push_back({std::make_unique_for_overwrite<uint8_t[]>(capacity), capacity, 0, row_count_});
  }
  Segment& segment = segments_.back();
  uint8_t* to = segment.bytes.get() + segment.used_bytes;
  store_le(to, static_cast<uint32_t>(event_type.size()));
  store_le(to + 4, static_cast<uint32_t>(payload.size()));
  to += kRowHeaderBytes;
  if (!event_type.empty()) std::memcpy(to, event_type.data(), event_type.size());
  if (!payload.empty()) std::memcpy(to + event_type.size(), payload.data(), payload.size());
  segment.used_bytes += size;
  used_bytes_ += size;
  ++row_count_;
}

void RowBuffer::truncate(uint64_t row_count) {
  assert(row_count <= row_count_);
  while (!segments_.empty() && segments_.back().first_row >= row_count) {
    used_bytes_ -= segments_.back().used_bytes;
    segments_.pop_back();
  }
  if (!segments_.empty()) {
    Segment& segment = segments_.back();
    size_t offset = 0;
    for (uint64_t row = segment.first_row; row < row_count; ++row)
      offset += row_bytes(segment.bytes.get() + offset);
    used_bytes_ -= segment.used_bytes - offset;
    segment.used_bytes = offset;
  }
  row_count_ = row_count;
  if (stamps_.empty()) return;
  // The stamp in force stays in force.
  const Stamp stamp = *stamps_.back().stamp;
  while (!stamps_.empty() && stamps_.back().first_row >= row_count) stamps_.pop_back();
  set_stamp(stamp);
}

RowBuffer RowBuffer::take() {
  RowBuffer taken;
  std::swap(taken, *this);  // *this is empty now
  if (!taken.stamps_.empty()) set_stamp(*taken.stamps_.back().stamp);
  return taken;
}

bool RowBuffer::Cursor::next(Row& row) {
  if (row_ == buffer_->row_count_) return false;
  while (offset_ == buffer_->segments_[segment_].used_bytes) {
    ++segment_;
    offset_ = 0;
  }
  while (stamp_ + 1 < buffer_->stamps_.size() && buffer_->stamps_[stamp_ + 1].first_row <= row_)
    ++stamp_;
  const uint8_t* from = buffer_->segments_[segment_].bytes.get() + offset_;
  const auto type_size = load_le<uint32_t>(from);
  const auto payload_size = load_le<uint32_t>(from + 4);
  row.stamp = buffer_->stamps_[stamp_].stamp.get();
  row.event_type = {reinterpret_cast<const char*>(from + kRowHeaderBytes), type_size};
  row.payload = {from + kRowHeaderBytes + type_size, payload_size};
  offset_ += kRowHeaderBytes + type_size + payload_size;
  ++row_;
  return true;
}

}  // namespace eventd::engine
