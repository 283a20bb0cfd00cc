#include "engine/exec/row_sorter.h"

#include <algorithm>
#include <numeric>

#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {
/// Rows a top-k collects before it throws away, so that compacting stays rare.
constexpr size_t kCompactRowsMin = size_t{4} * kBatchRows;
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
  RETURN_IF_ERROR(grant_.ensure(held_bytes_ + entries_.capacity() * sizeof(Entry)));
  if (keep_ && entries_.size() >= compact_at_) return compact();
  return {};
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

void RowSorter::sort_entries() {
  const auto less = [this](const Entry& a, const Entry& b) { return before(a, b); };
  if (keep_ && entries_.size() > *keep_) {
    std::nth_element(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(*keep_ - 1),
                     entries_.end(), less);
    entries_.resize(*keep_);
  }
  std::sort(entries_.begin(), entries_.end(), less);
}

Status RowSorter::compact() {
  sort_entries();
  if (entries_.size() < *keep_) return {};
  const Entry last = entries_.back();
  threshold_ = SortOrder::Leading{last.prefix, last.rank};
  // The rows kept are copied out, so that the batches they came in can go.
  auto compacted = std::make_shared<Store>();
  std::vector<Entry> entries;
  entries.reserve(compact_at_ + kBatchRows);
  held_bytes_ = 0;
  for (size_t first = 0; first < entries_.size(); first += kBatchRows) {
    const uint32_t count =
        static_cast<uint32_t>(std::min<size_t>(kBatchRows, entries_.size() - first));
    std::vector<Oid> types;
    const Batch gathered = gather(first, count);
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

Status RowSorter::absorb(RowSorter& other) {
  for (Batch& batch : other.store_->batches) {
    if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
    RETURN_IF_ERROR(add(std::move(batch)));
  }
  other.store_ = std::make_shared<Store>();
  other.entries_.clear();
  other.grant_.reset();
  return {};
}

Status RowSorter::finish() {
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  sort_entries();
  return {};
}

Batch RowSorter::gather(size_t first, uint32_t count) const {
  Batch out;
  out.size = count;
  if (store_->batches.empty()) return out;
  const size_t columns = store_->batches.front().columns.size();
  // One reference to the store keeps all strings alive, however many batches they come from.
  const std::shared_ptr<const StringHeap> anchor(store_, &store_->anchor);
  for (size_t c = 0; c < columns; ++c) {
    const Oid type = store_->batches.front().columns[c].type();
    Vector column = Vector::flat(type, count);
    dispatch_physical(physical_of(type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* to = column.data<T>();
      for (uint32_t i = 0; i < count; ++i) {
        const Entry& entry = entries_[first + i];
        const VectorView<T> values(store_->batches[entry.batch].columns[c]);
        to[i] = values[entry.row];
        if (!values.valid(entry.row)) column.set_null(i);
      }
      if constexpr (std::is_same_v<T, StringRef>) column.share_heap(anchor);
    });
    out.columns.push_back(std::move(column));
  }
  return out;
}

bool RowSorter::next(Batch& batch) {
  if (position_ >= entries_.size()) return false;
  const uint32_t count =
      static_cast<uint32_t>(std::min<size_t>(kBatchRows, entries_.size() - position_));
  batch = gather(position_, count);
  position_ += count;
  return true;
}

}  // namespace eventd::engine
