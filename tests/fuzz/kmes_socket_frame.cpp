// The messages of event_socket: every event found lies within the message, in order, and together
// they account for all of its bytes.
#include <cstdint>
#include <cstdlib>

#include "kmes/event_socket_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kmes_socket_hello hello;
  if (kmes_socket_parse_hello(data, size, &hello) && hello.max_message_size > KMES_SOCKET_MESSAGE_MAX) {
    std::abort();
  }
  static kmes_socket_event events[KMES_BATCH_MAX];
  const int count = kmes_socket_parse_emit(data, size, events);
  if (count < 0) return 0;
  if (count == 0 || count > KMES_BATCH_MAX) std::abort();
  const uint8_t* at = data + sizeof(kmes_socket_emit);
  for (int i = 0; i < count; ++i) {
    at += sizeof(kmes_socket_entry);
    if (events[i].type != at || events[i].type_len == 0) std::abort();
    at += events[i].type_len;
    if (events[i].payload != at) std::abort();
    at += events[i].payload_len;
    if (at > data + size) std::abort();
  }
  if (at != data + size) std::abort();
  return 0;
}
