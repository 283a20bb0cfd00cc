// Messages of event_socket taken apart, changed and put together again. Their parser here is not the one
// under test.
#pragma once

#include <string>
#include <vector>

#include "tests/fuzz/fuzz_random.h"

namespace eventd::fuzz {

struct FrameEvent {
  std::string type;
  std::string payload;
};

/// The events of a well-formed message; false when it is not one.
bool read_frame(const std::string& message, std::vector<FrameEvent>& events);
std::string write_frame(const std::vector<FrameEvent>& events);

/// One change: of events (their payload as msgpack, their type as text), their number, or of the
/// lengths and fields of the message. `message` may be anything.
std::string mutate_frame(std::string message, FuzzRandom& random);

}  // namespace eventd::fuzz
