// COPY … FROM STDIN: the messages of a client that sends rows.
#include <cstdio>

#include "pgwire/protocol_session.h"
#include "pgwire/utf8.h"

namespace eventd::pgwire {
bool ProtocolSession::run_copy_message() {
  if (Status status = session_->cancel_token().check(); !status.ok()) {
    statement_error(std::move(status).take_error());  // what the client still sends is dropped
    return true;
  }
  Frame frame;
  switch (next_frame(input_.readable(), access_->max_message_bytes, frame)) {
    case FrameResult::kNeedMore: return false;
    case FrameResult::kBad:
      fatal(sqlstate::kProtocolViolation, "invalid message during COPY from stdin");
      return true;
    case FrameResult::kFrame: break;
  }
  engine::CopyIn& copy = *active_->portal->copy_in();
  std::optional<Error> error;
  switch (static_cast<FrontendType>(frame.type)) {
    case FrontendType::kCopyData: {
      auto taken = copy.consume(as_bytes(frame.body), next_wake());
      if (!taken.ok()) {
        error = std::move(taken.error());
      } else if (*taken == engine::Progress::kWaiting) {
        wait_ = Wait::kWake;  // the message stays at the front and is offered again
        return true;
      }
      break;
    }
    case FrontendType::kCopyDone:
      if (Status status = copy.finish(); !status.ok()) error = std::move(status).take_error();
      else activity_ = Activity::kPortal;
      break;
    case FrontendType::kCopyFail: {
      std::string_view reason;
      (void)decode_string(frame.body, reason);
      error = make_error(sqlstate::kQueryCanceled,
                         "COPY from stdin failed: " + std::string(is_valid_utf8(reason) ? reason : ""));
      break;
    }
    case FrontendType::kFlush:
    case FrontendType::kSync:  // sent along by clients that don't know the statement is a COPY
      break;
    case FrontendType::kTerminate: activity_ = Activity::kClosed; break;
    default: {
      char text[80];
      std::snprintf(text, sizeof text, "unexpected message type 0x%02X during COPY from stdin",
                    static_cast<unsigned>(static_cast<unsigned char>(frame.type)));
      error = make_error(sqlstate::kProtocolViolation, text);
      break;
    }
  }
  input_.consume(frame.bytes);
  if (error) statement_error(std::move(*error));
  return true;
}

}  // namespace eventd::pgwire
