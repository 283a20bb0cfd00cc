#include "kmes/event_view.h"

namespace eventd::kmes {

bool EventView::check_structure(const uint8_t* bytes, uint64_t available, uint64_t limit) {
  if (available < KMES_HEADER_FIXED_SIZE) return false;
  const uint32_t event_size = load_le<uint32_t>(bytes + KMES_EVENT_SIZE_OFFSET);
  const uint32_t header_size = load_le<uint32_t>(bytes + KMES_HEADER_SIZE_OFFSET);
  const uint16_t type_len = load_le<uint16_t>(bytes + KMES_TYPE_LEN_OFFSET);
  return event_size <= available && event_size <= limit && header_size <= event_size &&
         header_size >= uint32_t{KMES_HEADER_FIXED_SIZE} + type_len;
}

}  // namespace eventd::kmes
