// The messages of event_socket: what the parser finds is what another parser finds, every event lies
// within the message, and the checks say the same with and without vector instructions.
#include <cstdlib>

#include "kmes/emit_check.h"
#include "kmes/event_socket_protocol.h"
#include "kmes/validate.h"
#include "tests/fuzz/frame_mutator.h"

using namespace eventd::fuzz;

namespace {

void check_content(const kmes_socket_event& event) {
  static constexpr kmes_emit_limits kLimits = {1024, 16};
  if (kmes_emit_check_size(&kLimits, event.type_len, event.payload_len) != 0) return;
  const bool scalar = kmes_utf8_valid_scalar(event.type, event.type_len) &&
                      kmes_msgpack_valid_scalar(event.payload, event.payload_len, 16);
  const int error = kmes_emit_check_content(&kLimits, event.type, event.type_len, event.payload,
                                            event.payload_len);
  if ((error == 0) != scalar) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kmes_socket_hello hello;
  if (kmes_socket_parse_hello(data, size, &hello) && hello.max_message_size > KMES_SOCKET_MESSAGE_MAX) {
    std::abort();
  }
  static kmes_socket_event events[KMES_BATCH_MAX];
  const int count = kmes_socket_parse_emit(data, size, events);
  std::vector<FrameEvent> expected;
  if (read_frame(std::string(reinterpret_cast<const char*>(data), size), expected) != (count >= 0)) {
    std::abort();
  }
  if (count < 0) return 0;
  if (static_cast<size_t>(count) != expected.size()) std::abort();
  const uint8_t* at = data + sizeof(kmes_socket_emit);
  for (size_t i = 0; i < expected.size(); ++i) {
    at += sizeof(kmes_socket_entry);
    if (events[i].type != at || events[i].type_len != expected[i].type.size()) std::abort();
    at += events[i].type_len;
    if (events[i].payload != at || events[i].payload_len != expected[i].payload.size()) std::abort();
    at += events[i].payload_len;
    check_content(events[i]);
  }
  if (at != data + size) std::abort();
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  FuzzRandom random(seed);
  if (random.below(8) == 0) return LLVMFuzzerMutate(data, size, max_size);
  return give_back(mutate_frame(std::string(reinterpret_cast<const char*>(data), size), random), data,
                   max_size);
}
