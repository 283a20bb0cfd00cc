// Everything a stranger can send before and after start-up, through framer and decoders.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pgwire/framer.h"
#include "pgwire/hba.h"
#include "pgwire/messages.h"
#include "pgwire/scram.h"
#include "pgwire/utf8.h"

using namespace eventd::pgwire;

namespace {

constexpr size_t kMessageBytesMax = 1u << 16;

void decode(const Frame& frame) {
  Parse parse;
  Bind bind;
  Target target;
  Execute execute;
  SaslInitialResponse sasl;
  std::string_view text;
  switch (static_cast<FrontendType>(frame.type)) {
    case FrontendType::kParse: (void)decode_parse(frame.body, parse); break;
    case FrontendType::kBind: (void)decode_bind(frame.body, bind); break;
    case FrontendType::kDescribe:
    case FrontendType::kClose: (void)decode_target(frame.body, target); break;
    case FrontendType::kExecute: (void)decode_execute(frame.body, execute); break;
    case FrontendType::kPassword:
      if (decode_sasl_initial(frame.body, sasl).ok()) {
        ScramServer server(ScramVerifier::mock("role", "secret"), false);
        if (server.first(sasl.response).ok()) (void)server.finish(frame.body);
      }
      break;
    default:
      if (decode_string(frame.body, text).ok()) (void)is_valid_utf8(text);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  Frame frame;
  StartupPacket packet;
  if (next_startup_frame(left, frame) == FrameResult::kFrame) {
    (void)decode_startup(frame.body, packet);
    left.remove_prefix(frame.bytes);
  }
  while (next_frame(left, kMessageBytesMax, frame) == FrameResult::kFrame) {
    decode(frame);
    left.remove_prefix(frame.bytes);
  }
  (void)HbaRules::parse(left);
  (void)ScramVerifier::parse(left);
  return 0;
}
