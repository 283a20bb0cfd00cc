#include "engine/exec/run_merger.h"

#include <algorithm>
#include <utility>

#include "engine/exec/row_gatherer.h"
#include "engine/scan/cancel_token.h"

namespace eventd::engine {

RunMerger::RunMerger(const OperatorContext& context, const SortOrder& order, std::vector<SortedRun> runs)
    : context_(context), order_(order), runs_(std::move(runs)), grant_(context.memory) {}

Status RunMerger::reduce(const OperatorContext& context, const SortOrder& order,
                         std::vector<SortedRun>& runs) {
  while (runs.size() > kFanIn) {
    std::vector<SortedRun> merged;
    for (size_t first = 0; first < runs.size(); first += kFanIn) {
      const size_t count = std::min(kFanIn, runs.size() - first);
      if (count == 1) {
        merged.push_back(std::move(runs[first]));
        continue;
      }
      std::vector<SortedRun> some(std::make_move_iterator(runs.begin() + static_cast<ptrdiff_t>(first)),
                                  std::make_move_iterator(runs.begin() + static_cast<ptrdiff_t>(first + count)));
      std::vector<Oid> types = some.front()->types();
      RunMerger merger(context, order, std::move(some));
      // A file for each: the space of what was read goes with its file where holes cannot be made.
      ASSIGN_OR_RETURN(std::shared_ptr<SpillFile> file, SpillFile::create(context));
      auto run = std::make_unique<SpillStream>(context, std::move(file), std::move(types));
      Batch batch;
      for (;;) {
        ASSIGN_OR_RETURN(const bool more, merger.next(batch));
        if (!more) break;
        RETURN_IF_ERROR(run->write(batch));
      }
      RETURN_IF_ERROR(run->finish());
      merged.push_back(std::move(run));
    }
    runs = std::move(merged);
  }
  return {};
}

Status RunMerger::open() {
  opened_ = true;
  for (const SortedRun& run : runs_) inputs_.push_back({run->read(), 0, 0, 0});
  for (size_t i = 0; i < inputs_.size(); ++i) {
    ASSIGN_OR_RETURN(const bool more, refill(inputs_[i]));
    if (more) heap_.push_back(i);
  }
  std::make_heap(heap_.begin(), heap_.end(), [this](size_t a, size_t b) { return comes_after(a, b); });
  return {};
}

Result<bool> RunMerger::refill(Input& input) {
  Batch batch;
  input.held_bytes = 0;
  ASSIGN_OR_RETURN(const bool more, input.reader.next(batch));
  if (!more) return false;
  ASSIGN_OR_RETURN(std::vector<Vector> keys, order_.spilled_keys(batch, *context_.eval));
  for (const Vector& column : batch.columns) {
    // Strings lie in the block, which all columns share.
    input.held_bytes += column.size() * physical_size(physical_of(column.type()));
  }
  input.held_bytes += spill_block_bytes(context_);
  size_t bytes = 0;
  for (const Input& each : inputs_) bytes += each.held_bytes;
  RETURN_IF_ERROR(grant_.ensure(bytes));
  std::vector<SortOrder::Leading> leading(batch.size);
  order_.leading(keys.front(), leading.data());
  input.slot = rows_.batches.size();
  input.row = 0;
  rows_.batches.push_back(std::move(batch));
  rows_.keys.push_back(std::move(keys));
  rows_.leading.push_back(std::move(leading));
  return true;
}

bool RunMerger::comes_after(size_t a, size_t b) const {
  const Input &left = inputs_[a], &right = inputs_[b];
  const SortOrder::Leading& x = rows_.leading[left.slot][left.row];
  const SortOrder::Leading& y = rows_.leading[right.slot][right.row];
  if (x.rank != y.rank) return x.rank > y.rank;
  if (x.prefix != y.prefix) return x.prefix > y.prefix;
  if (!order_.leading_is_complete()) {
    const int order = order_.compare(rows_.keys[left.slot], left.row, rows_.keys[right.slot], right.row);
    if (order != 0) return order > 0;
  }
  return a > b;
}

void RunMerger::renew_rows() {
  Rows rows;
  for (const size_t i : heap_) {
    Input& input = inputs_[i];
    rows.batches.push_back(std::move(rows_.batches[input.slot]));
    rows.keys.push_back(std::move(rows_.keys[input.slot]));
    rows.leading.push_back(std::move(rows_.leading[input.slot]));
    input.slot = rows.batches.size() - 1;
  }
  rows_ = std::move(rows);
}

Result<bool> RunMerger::next(Batch& batch) {
  if (context_.cancel != nullptr) RETURN_IF_ERROR(context_.cancel->check());
  if (!opened_) RETURN_IF_ERROR(open());
  if (heap_.empty()) return false;
  const auto after = [this](size_t a, size_t b) { return comes_after(a, b); };
  std::vector<RowPlace> picks;
  picks.reserve(kBatchRows);
  while (picks.size() < kBatchRows && !heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), after);
    Input& input = inputs_[heap_.back()];
    picks.push_back({static_cast<uint32_t>(input.slot), input.row});
    if (++input.row >= rows_.batches[input.slot].size) {
      ASSIGN_OR_RETURN(const bool more, refill(input));
      if (!more) {
        heap_.pop_back();
        continue;
      }
    }
    std::push_heap(heap_.begin(), heap_.end(), after);
  }
  // Copies of the batches go with what is given out: the strings of its rows lie in them.
  const auto holder = std::make_shared<std::pair<std::vector<Batch>, StringHeap>>();
  holder->first = rows_.batches;
  const std::shared_ptr<const StringHeap> anchor(holder, &holder->second);
  batch = RowGatherer(holder->first).gather(picks.data(), static_cast<uint32_t>(picks.size()), anchor);
  renew_rows();
  return true;
}

}  // namespace eventd::engine
