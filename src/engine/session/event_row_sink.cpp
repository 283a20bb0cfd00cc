#include "engine/session/event_row_sink.h"

#include "engine/payload/json_to_msgpack.h"
#include "kernel/uapi/kmes.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

constexpr size_t kTypeBytesMax = 65'535;  // type_len is 16 bits

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower_prefix[i]) return false;
  }
  return true;
}

}  // namespace

Status EventRowSink::add(std::string_view event_type, ByteSpan payload) {
  if (event_type.empty()) {
    return Status(sqlstate::kInvalidParameterValue, "event_type must not be empty");
  }
  if (!kmes_utf8_valid(reinterpret_cast<const uint8_t*>(event_type.data()), event_type.size())) {
    return Status(sqlstate::kCharacterNotInRepertoire,
                  "invalid byte sequence for encoding \"UTF8\" in event_type");
  }
  if (starts_with_ignoring_case(event_type, "synthetic.") ||
      starts_with_ignoring_case(event_type, "audit.")) {
    return Status(sqlstate::kInsufficientPrivilege,
                  "event type \"" + std::string(event_type) + "\" is reserved for the server");
  }
  const size_t size = KMES_HEADER_FIXED_SIZE + event_type.size() + payload.size();
  if (event_type.size() > kTypeBytesMax || size > limits_.max_event_size_bytes) {
    Error error;
    error.code = sqlstate::kProgramLimitExceeded;
    error.message = "event of " + std::to_string(size) + " bytes exceeds max_event_size (" +
                    std::to_string(limits_.max_event_size_bytes) + ")";
    return error;
  }
  if (!payload.empty() &&
      !kmes_msgpack_valid(payload.data(), payload.size(), limits_.max_nesting_depth)) {
    return Status(sqlstate::kProgramLimitExceeded,
                  "payload is nested deeper than max_nesting_depth (" +
                      std::to_string(limits_.max_nesting_depth) + ")");
  }
  return transaction_.add(event_type, payload);
}

Status EventRowSink::add_msgpack(std::string_view event_type, ByteSpan msgpack) {
  if (!kmes_msgpack_valid(msgpack.data(), msgpack.size(), KMES_NESTING_MAX)) {
    return Status(sqlstate::kInvalidTextRepresentation, "payload is not one valid msgpack value");
  }
  return add(event_type, msgpack);
}

Status EventRowSink::add_json(std::string_view event_type, std::string_view json) {
  msgpack_.clear();
  RETURN_IF_ERROR(append_msgpack_from_json(json, JsonLimits{}, msgpack_));
  return add(event_type, as_bytes(msgpack_));
}

}  // namespace eventd::engine
