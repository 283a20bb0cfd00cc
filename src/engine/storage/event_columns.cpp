#include "engine/storage/event_columns.h"

#include <array>

namespace eventd::engine {

uint32_t stored_column(EventColumn column) {
  if (column == EventColumn::kTimestampNs) return stored::kTimestamp;
  return uint32_t{1} << static_cast<int>(column);
}

std::string column_list(uint32_t stored_columns) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "timestamp",    "event_type",           "origin_class",    "cpu_id",  "sequence",
      "process_guid", "effective_token_guid", "true_token_guid", "boot_id", "payload"};
  std::string list;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if ((stored_columns >> i & 1) == 0) continue;
    if (!list.empty()) list += ',';
    list += kNames[i];
  }
  return list;
}

}  // namespace eventd::engine
