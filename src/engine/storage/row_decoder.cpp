#include "engine/storage/row_decoder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/payload/msgpack_path.h"

namespace eventd::engine {
namespace {

// Past this many types a cursor starts its dictionary anew: memory stays bounded.
constexpr size_t kDictionaryTypesMax = 16'384;

}  // namespace

RowDecoder::RowDecoder(const std::vector<DecodedColumn>& columns, const EventFilter& filter,
                       const PathSlots& slots, bool needs_type)
    : columns_(columns),
      filter_(filter),
      slots_(slots),
      needs_type_(needs_type),
      targets_(columns.size()),
      type_heap_(std::make_shared<StringHeap>()),
      extracted_(slots.paths().size()) {
  tests_rows_ = !filter.numbers.empty() || !filter.guids.empty() || !filter.paths.empty() ||
                !filter.payload_null_tests.empty();
  if (columns.size() == 1 && columns[0].kind == DecodedColumn::Kind::kStored) {
    if (columns[0].column == EventColumn::kEventType) shape_ = Shape::kType;
    if (columns[0].column == EventColumn::kTimestamp) shape_ = Shape::kTimestamp;
  }
}

void RowDecoder::begin(uint32_t rows_max) {
  rows_max_ = std::clamp<uint32_t>(rows_max, 1, kBatchRows);
  size_ = 0;
  batch_bytes_ = 0;
  if (types_.size() > kDictionaryTypesMax) {
    types_.clear();
    type_ids_.clear();
    recent_types_ = {};
    type_heap_ = std::make_shared<StringHeap>();
    type_dictionary_ = {};
  }
  for (size_t i = 0; i < columns_.size(); ++i) {
    Target& target = targets_[i];
    if (columns_[i].kind == DecodedColumn::Kind::kStored &&
        columns_[i].column == EventColumn::kEventType) {
      target.type_ids = std::shared_ptr<uint32_t[]>(new uint32_t[rows_max_]);
    } else {
      target.vector = Vector::flat(columns_[i].type, rows_max_);
      target.data = target.vector.data<std::byte>();
    }
  }
}

namespace {

// Lengths whose every byte is in four words: the first two and the last two, which may overlap.
constexpr size_t kWordedMin = 16, kWordedMax = 32;

}  // namespace

inline uint32_t RowDecoder::type_id(std::string_view type) {
  const size_t size = type.size();
  if (size - kWordedMin > kWordedMax - kWordedMin) return short_or_long_type_id(type);
  RecentType wanted{.size = size};
  std::memcpy(wanted.words, type.data(), 16);
  std::memcpy(wanted.words + 2, type.data() + size - 16, 16);
  const size_t slot = ((wanted.words[1] ^ std::rotl(wanted.words[2], 17) ^
                        std::rotl(wanted.words[3], 34) ^ size) *
                       0x9e3779b97f4a7c15U) >> 56;
  if (recent_types_[slot].same(wanted)) [[likely]] return recent_types_[slot].id;
  // Two that share a slot have the neighbour as well.
  if (recent_types_[slot ^ 1].same(wanted)) return recent_types_[slot ^ 1].id;
  wanted.id = find_type(type);
  recent_types_[slot ^ 1] = std::exchange(recent_types_[slot], wanted);
  return wanted.id;
}

uint32_t RowDecoder::short_or_long_type_id(std::string_view type) {
  const size_t size = type.size();
  const auto at = [&](size_t i) { return size_t{static_cast<unsigned char>(type[i])}; };
  const size_t slot = size == 0 ? 0 : (size * 7 + at(0) + at(size / 2) * 3 + at(size - 1) * 5) & 63;
  uint32_t& recent = recent_other_types_[slot];
  if (recent < types_.size() && types_[recent].name == type) [[likely]] return recent;
  return recent = find_type(type);
}

uint32_t RowDecoder::find_type(std::string_view type) {
  if (const auto found = type_ids_.find(type); found != type_ids_.end()) return found->second;
  const std::string_view name = type_heap_->add(type).view();
  const bool passes = std::all_of(filter_.type_tests.begin(), filter_.type_tests.end(),
                                  [&](const TextMatcher& test) { return test.matches(name); });
  types_.push_back({name, passes});
  const auto id = static_cast<uint32_t>(types_.size() - 1);
  type_ids_.emplace(name, id);
  return id;
}

bool RowDecoder::offer(const RawRow& row) {
  uint32_t type = 0;
  if (needs_type_) {
    type = type_id(row.event_type);
    if (!types_[type].passes) return false;
  }
  if (tests_rows_) {
    if (!passes_stored_tests(filter_, row)) return false;
    ++row_number_;
    if (!filter_.paths.empty() && !passes_paths(row)) return false;
  } else {
    ++row_number_;
  }
  if (shape_ == Shape::kType) {
    targets_[0].type_ids[size_++] = type;
  } else if (shape_ == Shape::kTimestamp) {
    static_cast<int64_t*>(targets_[0].data)[size_++] = timestamptz_from_unix_ns(row.timestamp_ns);
  } else {
    append(row, type);
  }
  return true;
}

bool RowDecoder::passes_paths(const RawRow& row) {
  for (const PathTest& test : filter_.paths) {
    const std::string* text = slot_text(test.slot, row);
    if (test.op == ScanPredicate::Op::kIsNull) {
      if (text) return false;
    } else if (!text) {
      return false;
    } else if (!test.matcher.empty() && !test.matcher[0].matches(*text)) {
      return false;
    } else if (!test.number.empty() && !test.number[0].may_match(*text)) {
      return false;
    }
  }
  return true;
}

const std::string* RowDecoder::slot_text(size_t index, const RawRow& row) {
  Slot& slot = extracted_[index];
  if (slot.row != row_number_) {
    slot.row = row_number_;
    slot.text.clear();
    slot.valid = !row.payload.empty() &&
                 append_path_text(row.payload, slots_.paths()[index], slot.text);
    bytes_decoded_ += slot.text.size();
  }
  return slot.valid ? &slot.text : nullptr;
}

void RowDecoder::append(const RawRow& row, uint32_t type) {
  const uint32_t at = size_++;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const DecodedColumn& column = columns_[i];
    Target& target = targets_[i];
    if (column.kind == DecodedColumn::Kind::kPathText) {
      if (const std::string* text = slot_text(column.slot, row)) {
        target.vector.set_string(at, *text);
        batch_bytes_ += text->size();
      } else {
        target.vector.set_null(at);
      }
      continue;
    }
    if (column.kind == DecodedColumn::Kind::kPathJson) {
      const auto value = row.payload.empty() ? std::nullopt : find_path(row.payload, column.path);
      if (value) {
        target.vector.set_string(at, as_text(*value));
        bytes_decoded_ += value->size();
        batch_bytes_ += value->size();
      } else {
        target.vector.set_null(at);
      }
      continue;
    }
    switch (column.column) {
      case EventColumn::kTimestamp:
        static_cast<int64_t*>(target.data)[at] = timestamptz_from_unix_ns(row.timestamp_ns);
        break;
      case EventColumn::kTimestampNs:
        static_cast<int64_t*>(target.data)[at] = row.timestamp_ns;
        break;
      case EventColumn::kEventType: target.type_ids[at] = type; break;
      case EventColumn::kOriginClass:
        static_cast<int16_t*>(target.data)[at] = static_cast<int16_t>(row.origin_class);
        if (row.nulls & stored::kOriginClass) target.vector.set_null(at);
        break;
      case EventColumn::kCpuId:
        static_cast<int32_t*>(target.data)[at] = static_cast<int32_t>(row.cpu_id);
        if (row.nulls & stored::kCpuId) target.vector.set_null(at);
        break;
      case EventColumn::kSequence:
        static_cast<int64_t*>(target.data)[at] = row.sequence;
        if (row.nulls & stored::kSequence) target.vector.set_null(at);
        break;
      case EventColumn::kProcessGuid:
      case EventColumn::kEffectiveTokenGuid:
      case EventColumn::kTrueTokenGuid:
      case EventColumn::kBootId: {
        UuidValue& value = static_cast<UuidValue*>(target.data)[at];
        if (const uint8_t* guid = row.guids[guid_index(column.column)]) {
          guid_to_rfc(guid, value.bytes);
        } else {
          value = {};
          target.vector.set_null(at);
        }
        break;
      }
      case EventColumn::kPayload:
        if (row.payload.empty()) {
          target.vector.set_null(at);
        } else {
          target.vector.set_string(at, as_text(row.payload));
          bytes_decoded_ += row.payload.size();
          batch_bytes_ += row.payload.size();
        }
        break;
    }
  }
}

Batch RowDecoder::take() {
  Batch batch;
  batch.size = size_;
  batch.columns.reserve(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    Target& target = targets_[i];
    if (target.type_ids) {
      // Vectors handed on earlier keep their own, shorter dictionary.
      if (type_dictionary_.size() != types_.size()) {
        type_dictionary_ = Vector::flat(columns_[i].type, static_cast<uint32_t>(types_.size()));
        auto* names = type_dictionary_.data<StringRef>();
        for (size_t t = 0; t < types_.size(); ++t) {
          names[t] = {types_[t].name.data(), static_cast<uint32_t>(types_[t].name.size())};
        }
        type_dictionary_.share_heap(type_heap_);
      }
      batch.columns.push_back(
          Vector::dictionary(type_dictionary_, std::move(target.type_ids), size_));
      target.type_ids = nullptr;
    } else {
      target.vector.set_size(size_);
      batch.columns.push_back(std::move(target.vector));
      target.data = nullptr;
    }
  }
  size_ = 0;
  return batch;
}

}  // namespace eventd::engine
