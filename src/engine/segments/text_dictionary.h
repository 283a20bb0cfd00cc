// Text, GUIDs and other bytes of few values: the distinct values in order, and for each row its value's
// place among them. Equality, ranges and prefixes are then questions about ids.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/segments/byte_codec.h"
#include "engine/segments/id_column.h"

namespace eventd::engine {

/// How entries are ordered. Numbers are part of the storage format.
enum class DictionaryOrder : uint8_t {
  kBytes = 0,
  /// By RFC byte order, as SQL's uuid; all entries are 16 bytes in Microsoft order.
  kGuid = 1,
};

/// Strict order of two entries.
bool dictionary_less(DictionaryOrder order, std::string_view a, std::string_view b);

/// What such a column would hold. Borrows the values.
struct TextDictionaryPlan {
  std::vector<std::string_view> entries;  ///< in order
  std::vector<int64_t> ids;
  size_t entries_bytes = 0;
};

/// Nothing when there are more than `entries_max` distinct values or more than `bytes_max` bytes in them.
std::optional<TextDictionaryPlan> plan_text_dictionary(std::span<const std::string_view> values,
                                                       DictionaryOrder order, size_t entries_max,
                                                       size_t bytes_max);

void append_text_dictionary(const TextDictionaryPlan& plan, DictionaryOrder order, ByteCodec codec,
                            std::string& out);

/// Reads such a column; the entries are decompressed when it is opened. Immutable; any thread.
class TextDictionary {
 public:
  /// Most bytes of entries.
  static constexpr size_t kEntriesBytesMax = size_t{16} << 20;

  /// XX001 when the bytes are no such column of `rows` values.
  static Result<TextDictionary> open(ByteSpan column, uint32_t rows);

  uint32_t rows() const { return ids_.rows(); }
  uint32_t entries() const { return static_cast<uint32_t>(ends_.size()); }
  DictionaryOrder order() const { return order_; }
  /// Valid as long as this object. REQUIRES: id < entries().
  std::string_view entry(uint32_t id) const {
    const uint32_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }
  /// First id whose entry is not before `value`; entries() when there is none.
  uint32_t lower_bound(std::string_view value) const;
  const IdColumn& ids() const { return ids_; }

 private:
  std::string bytes_;
  std::vector<uint32_t> ends_;
  IdColumn ids_;
  DictionaryOrder order_ = DictionaryOrder::kBytes;
};

}  // namespace eventd::engine
