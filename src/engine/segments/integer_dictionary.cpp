#include "engine/segments/integer_dictionary.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/segments/integer_blocks.h"

namespace eventd::engine {
namespace {

/// Distinct integers in the order they come, by open addressing; at most `limit`.
class DistinctIntegers {
 public:
  explicit DistinctIntegers(size_t limit) : limit_(limit), places_(1024, 0) {}
  /// The value's number, or -1 when it would be one too many.
  int64_t add(int64_t value) {
    for (size_t at = place_of(value);; at = (at + 1) & (places_.size() - 1)) {
      if (places_[at] == 0) return add_at(at, value);
      if (values_[places_[at] - 1] == value) return places_[at] - 1;
    }
  }
  const std::vector<int64_t>& values() const { return values_; }

 private:
  size_t place_of(int64_t value) const {
    const uint64_t hash = static_cast<uint64_t>(value) * 0x9e3779b97f4a7c15;
    return (hash ^ hash >> 32) & (places_.size() - 1);
  }
  int64_t add_at(size_t at, int64_t value) {
    if (values_.size() == limit_) return -1;
    values_.push_back(value);
    places_[at] = static_cast<uint32_t>(values_.size());
    if (values_.size() * 2 > places_.size()) grow();
    return static_cast<int64_t>(values_.size()) - 1;
  }
  void grow() {
    places_.assign(places_.size() * 4, 0);
    for (size_t i = 0; i < values_.size(); ++i) {
      size_t at = place_of(values_[i]);
      while (places_[at] != 0) at = (at + 1) & (places_.size() - 1);
      places_[at] = static_cast<uint32_t>(i + 1);
    }
  }

  const size_t limit_;
  std::vector<uint32_t> places_;  // number + 1
  std::vector<int64_t> values_;
};

}  // namespace

std::optional<IntegerDictionaryPlan> plan_integer_dictionary(std::span<const int64_t> values,
                                                             size_t entries_max) {
  DistinctIntegers distinct(entries_max);
  IntegerDictionaryPlan plan;
  plan.ids.reserve(values.size());
  for (const int64_t value : values) {
    plan.ids.push_back(distinct.add(value));
    if (plan.ids.back() < 0) return std::nullopt;
  }
  std::vector<uint32_t> order(distinct.values().size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return distinct.values()[a] < distinct.values()[b];
  });
  std::vector<int64_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<int64_t>(i);
    plan.entries.push_back(distinct.values()[order[i]]);
  }
  for (int64_t& id : plan.ids) id = place[static_cast<size_t>(id)];
  plan.size = IntegerBlocksPlan(plan.entries).size() + id_column_size(plan.ids);
  return plan;
}

void append_integer_dictionary(const IntegerDictionaryPlan& plan, std::string& out) {
  append_column_header(ColumnEncoding::kIntegerDictionary, static_cast<uint32_t>(plan.ids.size()), out);
  append_le(out, static_cast<uint32_t>(plan.entries.size()));
  append_child(out, [&] { IntegerBlocksPlan(plan.entries).append(out); });
  append_child(out, [&] { append_id_column(plan.ids, out); });
}

Result<IntegerDictionary> IntegerDictionary::open(ByteSpan column, uint32_t rows) {
  FormatReader reader(column);
  RETURN_IF_ERROR(expect_column_header(reader, ColumnEncoding::kIntegerDictionary, rows));
  uint32_t count = 0;
  ByteSpan entries, ids;
  if (!reader.read(count) || count > rows || !reader.take_sized(entries) || !reader.take_sized(ids)) {
    return column_damaged("a dictionary of integers is cut off");
  }
  IntegerDictionary dictionary;
  ASSIGN_OR_RETURN(const IntegerBlocks blocks, IntegerBlocks::open(entries, count));
  dictionary.entries_.resize(count);
  for (uint32_t i = 0; i < blocks.blocks(); ++i) {
    blocks.decode(i, dictionary.entries_.data() + i * kColumnBlockRows);
  }
  if (std::adjacent_find(dictionary.entries_.begin(), dictionary.entries_.end(),
                         std::greater_equal<>()) != dictionary.entries_.end()) {
    return column_damaged("a dictionary of integers is not ascending");
  }
  ASSIGN_OR_RETURN(dictionary.ids_, IdColumn::open(ids, rows, count));
  return dictionary;
}

Status IntegerDictionary::decode(uint32_t block, int64_t* out) const {
  std::array<uint32_t, kColumnBlockRows> ids;
  RETURN_IF_ERROR(ids_.decode(block, ids.data()));
  const uint32_t rows = column_block_rows(ids_.rows(), block);
  for (uint32_t i = 0; i < rows; ++i) out[i] = entries_[ids[i]];
  return {};
}

}  // namespace eventd::engine
