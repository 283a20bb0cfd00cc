#include "engine/exec/row_sorter.h"

#include <algorithm>

#include "engine/scan/cancel_token.h"

namespace eventd::engine {

namespace {
/// Rows a top-k collects before it throws away, so that compacting stays rare.
constexpr size_t kCompactRowsMin = size_t{4} * kBatchRows;
/// Fewer rows are compared as they are.
constexpr size_t kPackedRowsMin = 256;
/// Entries sorted or merged between two looks at the cancel token.
constexpr size_t kPieceRows = 64 * 1024;
}  // namespace

RowSorter::RowSorter(const OperatorContext& context, std::shared_ptr<const SortOrder> order,
                     std::optional<uint64_t> keep)
    : context_(context), order_(std::move(order)), keep_(keep), grant_(context.memory) {
  if (keep_) compact_at_ = std::max<size_t>(kCompactRowsMin, *keep_ * 2);
}

bool RowSorter::before(const Entry& a, const Entry& b) const {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  if (!order_->leading_is_complete()) {
    const int order = order_->compare(store_->keys[a.batch], a.row, store_->keys[b.batch], b.row);
    if (order != 0) return order < 0;
  }
  return a.batch != b.batch ? a.batch < b.batch : a.row < b.row;
}

Status RowSorter::add(Batch batch) {
  if (keep_ == uint64_t{0}) return {};
  ASSIGN_OR_RETURN(std::vector<Vector> keys, order_->keys(batch, *context_.eval));
  leading_.resize(batch.size);
  order_->leading(keys.front(), leading_.data());
  const uint32_t number = static_cast<uint32_t>(store_->batches.size());
  const size_t known = entries_.size();
  for (uint32_t i = 0; i < batch.size; ++i) {
    const SortOrder::Leading& row = leading_[i];
    if (threshold_ && (row.rank > threshold_->rank ||
                       (row.rank == threshold_->rank && row.prefix > threshold_->prefix))) {
      continue;
    }
    entries_.push_back({row.prefix, row.rank, number, i});
  }
  if (entries_.size() == known) return {};
  account(batch);
  store_->batches.push_back(std::move(batch));
  store_->keys.push_back(std::move(keys));
  if (keep_ && entries_.size() >= compact_at_) RETURN_IF_ERROR(compact());
  return make_room();
}

Status RowSorter::make_room() {
  if (context_.temp == nullptr) return grant_.ensure(needed_bytes());
  if (grant_.try_ensure(needed_bytes())) return {};
  if (keep_) {
    RETURN_IF_ERROR(compact());
    if (grant_.try_ensure(needed_bytes())) return {};
    // Not even the first keep_ rows fit: from here on this is a full sort.
    keep_.reset();
  }
  return spill();
}

void RowSorter::account(const Batch& batch) {
  identities_.resize(batch.columns.size());
  for (size_t c = 0; c < batch.columns.size(); ++c) {
    const Vector& column = batch.columns[c];
    // Batches of one segment share a dictionary: it is held once.
    const bool shared = column.form() == Vector::Form::kDictionary &&
                        identities_[c] == column.values_identity();
    held_bytes_ += shared ? column.size() * sizeof(uint32_t) : column.memory_bytes();
    identities_[c] = column.values_identity();
  }
}

Status RowSorter::sort_entries(bool may_pack) {
  if (sorted_) return {};
  const auto less = [this](const Entry& a, const Entry& b) { return before(a, b); };
  if (keep_ && entries_.size() > *keep_) {
    std::nth_element(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(*keep_ - 1),
                     entries_.end(), less);
    entries_.resize(*keep_);
  }
  if (may_pack && sort_packed()) return {};
  const size_t spare = entries_.size() > kPieceRows ? entries_.size() * sizeof(Entry) : 0;
  if (spare != 0 && grant_.try_ensure(needed_bytes() + spare)) return sort_in_pieces();
  return sort_in_place();
}

// Without memory for merging: halves that are in order to each other, until they are pieces.
Status RowSorter::sort_in_place() {
  const auto less = [this](const Entry& a, const Entry& b) { return before(a, b); };
  std::vector<std::pair<size_t, size_t>> ranges{{0, entries_.size()}};
  const auto at = [&](size_t place) { return entries_.begin() + static_cast<ptrdiff_t>(place); };
  while (!ranges.empty()) {
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    auto [first, end] = ranges.back();
    ranges.pop_back();
    if (end - first <= kPieceRows) {
      std::sort(at(first), at(end), less);
      continue;
    }
    const size_t middle = first + (end - first) / 2;
    std::nth_element(at(first), at(middle), at(end), less);
    ranges.push_back({first, middle});
    ranges.push_back({middle, end});
  }
  return {};
}

// Comparing rows of long keys takes long: pieces are sorted, then merged two at a time.
Status RowSorter::sort_in_pieces() {
  const auto less = [this](const Entry& a, const Entry& b) { return before(a, b); };
  const auto check = [this] {
    return context_.cancel == nullptr ? Status() : context_.cancel->check();
  };
  const size_t size = entries_.size();
  const auto at = [&](size_t place) {
    return entries_.begin() + static_cast<ptrdiff_t>(std::min(place, size));
  };
  for (size_t first = 0; first < size; first += kPieceRows) {
    RETURN_IF_ERROR(check());
    std::sort(at(first), at(first + kPieceRows), less);
  }
  std::vector<Entry> merged(size);
  for (size_t width = kPieceRows; width < size; width *= 2) {
    size_t out = 0;
    for (size_t first = 0; first < size; first += 2 * width) {
      auto left = at(first), right = at(first + width);
      const auto left_end = right, right_end = at(first + 2 * width);
      while (left != left_end || right != right_end) {
        if (out % kPieceRows == 0) RETURN_IF_ERROR(check());
        const bool take_left = right == right_end || (left != left_end && before(*left, *right));
        merged[out++] = take_left ? *left++ : *right++;
      }
    }
    entries_.swap(merged);
  }
  return {};
}

bool RowSorter::sort_packed() {
  if (entries_.size() < kPackedRowsMin) return false;
  PackedKeys packed(*order_, store_->keys);
  if (!packed.fit(entries_)) return false;
  const size_t bytes = needed_bytes() + packed.memory_bytes();
  if (!grant_.try_ensure(bytes)) return false;
  packed.sort(entries_, grant_.try_ensure(bytes + entries_.size() * sizeof(Entry)));
  return true;
}

Status RowSorter::compact() {
  RETURN_IF_ERROR(sort_entries(false));
  if (entries_.size() < *keep_) return {};
  const Entry last = entries_.back();
  threshold_ = SortOrder::Leading{last.prefix, last.rank};
  // The rows kept are copied out, so that the batches they came in can go.
  auto compacted = std::make_shared<Store>();
  std::vector<Entry> entries;
  entries.reserve(compact_at_ + kBatchRows);
  held_bytes_ = 0;
  const RowGatherer gatherer(store_->batches);
  for (size_t first = 0; first < entries_.size(); first += kBatchRows) {
    const uint32_t count =
        static_cast<uint32_t>(std::min<size_t>(kBatchRows, entries_.size() - first));
    std::vector<Oid> types;
    const Batch gathered = gather(gatherer, first, count);
    for (const Vector& column : gathered.columns) types.push_back(column.type());
    BatchBuilder builder(types);
    for (uint32_t i = 0; i < count; ++i) builder.append(gathered, i);
    Batch copy = builder.take();
    ASSIGN_OR_RETURN(std::vector<Vector> keys, order_->keys(copy, *context_.eval));
    const uint32_t number = static_cast<uint32_t>(compacted->batches.size());
    for (uint32_t i = 0; i < count; ++i) {
      entries.push_back({entries_[first + i].prefix, entries_[first + i].rank, number, i});
    }
    account(copy);
    compacted->batches.push_back(std::move(copy));
    compacted->keys.push_back(std::move(keys));
  }
  store_ = std::move(compacted);
  entries_ = std::move(entries);
  return {};
}

Status RowSorter::spill() {
  RETURN_IF_ERROR(sort_entries(true));
  if (!entries_.empty()) {
    ASSIGN_OR_RETURN(std::shared_ptr<SpillFile> file, SpillFile::create(context_));
    // The keys are rows' columns too, where the order asks for it.
    for (size_t b = 0; b < store_->batches.size(); ++b) {
      order_->add_spilled_keys(store_->keys[b], store_->batches[b]);
    }
    std::vector<Oid> types;
    for (const Vector& column : store_->batches.front().columns) types.push_back(column.type());
    auto run = std::make_unique<SpillStream>(context_, std::move(file), std::move(types));
    const RowGatherer gatherer(store_->batches);
    for (size_t first = 0; first < entries_.size(); first += kBatchRows) {
      const uint32_t count =
          static_cast<uint32_t>(std::min<size_t>(kBatchRows, entries_.size() - first));
      RETURN_IF_ERROR(run->write(gather(gatherer, first, count)));
    }
    RETURN_IF_ERROR(run->finish());
    spilled_bytes_ += run->byte_count();
    runs_.push_back(std::move(run));
  }
  store_ = std::make_shared<Store>();
  std::vector<Entry>().swap(entries_);
  identities_.clear();
  held_bytes_ = 0;
  grant_.reset();
  return {};
}

Status RowSorter::seal() {
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  if (sealed_) return {};
  sealed_ = true;
  if (!runs_.empty()) return spill();
  // Sorted as numbers all rows at once cost less than merging parts.
  if (!keep_ && PackedKeys(*order_, store_->keys).fit(entries_)) return {};
  return sort_for_merge();
}

Status RowSorter::sort_for_merge() {
  RETURN_IF_ERROR(sort_entries(false));
  sorted_ = true;
  return {};
}

Status RowSorter::absorb(RowSorter& other) {
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  if (!runs_.empty() || !other.runs_.empty()) {
    RETURN_IF_ERROR(spill());
    RETURN_IF_ERROR(other.spill());
    std::move(other.runs_.begin(), other.runs_.end(), std::back_inserter(runs_));
    other.runs_.clear();
    spilled_bytes_ += other.spilled_bytes_;
    return {};
  }
  if (sorted_ || other.sorted_) {
    RETURN_IF_ERROR(sort_for_merge());
    RETURN_IF_ERROR(other.sort_for_merge());
  }
  const uint32_t batches = static_cast<uint32_t>(store_->batches.size());
  std::move(other.store_->batches.begin(), other.store_->batches.end(), std::back_inserter(store_->batches));
  std::move(other.store_->keys.begin(), other.store_->keys.end(), std::back_inserter(store_->keys));
  for (Entry& entry : other.entries_) entry.batch += batches;
  if (sorted_) {
    std::vector<Entry> merged(entries_.size() + other.entries_.size());
    std::merge(entries_.begin(), entries_.end(), other.entries_.begin(), other.entries_.end(), merged.begin(),
               [this](const Entry& a, const Entry& b) { return before(a, b); });
    entries_ = std::move(merged);
  } else {
    entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end());
  }
  if (keep_ && entries_.size() > *keep_) entries_.resize(*keep_);
  held_bytes_ += other.held_bytes_;
  other.store_ = std::make_shared<Store>();
  std::vector<Entry>().swap(other.entries_);
  grant_.take(other.grant_);
  return make_room();
}

Status RowSorter::finish() {
  if (!sealed_) {
    sealed_ = true;
    if (!runs_.empty()) RETURN_IF_ERROR(spill());
  }
  if (runs_.empty()) {
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    RETURN_IF_ERROR(sort_entries(!keep_));
    gatherer_ = std::make_unique<RowGatherer>(store_->batches);
    return {};
  }
  RETURN_IF_ERROR(RunMerger::reduce(context_, *order_, runs_));
  merger_ = std::make_unique<RunMerger>(context_, *order_, std::move(runs_));
  return {};
}

Batch RowSorter::gather(const RowGatherer& gatherer, size_t first, uint32_t count) const {
  std::vector<RowPlace> places(count);
  for (uint32_t i = 0; i < count; ++i) places[i] = {entries_[first + i].batch, entries_[first + i].row};
  // One reference to the store keeps all strings alive, however many batches they come from.
  return gatherer.gather(places.data(), count, {store_, &store_->anchor});
}

Result<bool> RowSorter::next(Batch& batch) {
  if (merger_ != nullptr) {
    ASSIGN_OR_RETURN(const bool more, merger_->next(batch));
    if (more) batch.columns.resize(batch.columns.size() - order_->spilled_key_count());
    return more;
  }
  if (position_ >= entries_.size()) return false;
  const uint32_t count =
      static_cast<uint32_t>(std::min<size_t>(kBatchRows, entries_.size() - position_));
  batch = gather(*gatherer_, position_, count);
  position_ += count;
  return true;
}

}  // namespace eventd::engine
