// Message types of the PostgreSQL frontend/backend protocol 3.0, and the frontend messages decoded.
// Source: PostgreSQL 15 documentation, "Message Formats".
//
//   every message but the first:  | type 1 | length 4 (itself included) | body |
//   start-up packet:                       | length 4 (itself included) | body |
//
// All integers are in network order. Decoded messages borrow their bytes from the body.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/session/session.h"
#include "engine/types/type.h"
#include "result.h"

namespace eventd::pgwire {

enum class FrontendType : char {
  kBind = 'B',
  kClose = 'C',
  kCopyData = 'd',
  kCopyDone = 'c',
  kCopyFail = 'f',
  kDescribe = 'D',
  kExecute = 'E',
  kFlush = 'H',
  kFunctionCall = 'F',
  kParse = 'P',
  kPassword = 'p',  ///< also SASLInitialResponse and SASLResponse
  kQuery = 'Q',
  kSync = 'S',
  kTerminate = 'X',
};

enum class BackendType : char {
  kAuthentication = 'R',
  kBackendKeyData = 'K',
  kBindComplete = '2',
  kCloseComplete = '3',
  kCommandComplete = 'C',
  kCopyData = 'd',
  kCopyDone = 'c',
  kCopyInResponse = 'G',
  kCopyOutResponse = 'H',
  kDataRow = 'D',
  kEmptyQueryResponse = 'I',
  kErrorResponse = 'E',
  kNegotiateProtocolVersion = 'v',
  kNoData = 'n',
  kNoticeResponse = 'N',
  kParameterDescription = 't',
  kParameterStatus = 'S',
  kParseComplete = '1',
  kPortalSuspended = 's',
  kReadyForQuery = 'Z',
  kRowDescription = 'T',
};

/// First four bytes of a start-up packet's body.
inline constexpr uint32_t kProtocolVersion30 = 196608;
inline constexpr uint32_t kCancelRequestCode = 80877102;
inline constexpr uint32_t kSslRequestCode = 80877103;
inline constexpr uint32_t kGssEncRequestCode = 80877104;

/// Parse: prepares `query` under `statement` ("" = the unnamed one).
struct Parse {
  std::string_view statement;
  std::string_view query;
  std::vector<engine::Oid> parameter_types;
};

/// Bind: makes `destination_portal` from `source_statement`.
struct Bind {
  std::string_view destination_portal;
  std::string_view source_statement;
  /// One entry a parameter, formats already resolved (0 text, 1 binary).
  std::vector<engine::WireParameter> parameters;
  /// As sent: none = all text, one = for all columns, else one a column.
  std::vector<int16_t> result_formats;
  std::vector<int16_t> parameter_formats;  ///< scratch of the decoder
};

/// Describe and Close: 'S' statement or 'P' portal.
struct Target {
  char kind = 'S';
  std::string_view name;
};

struct Execute {
  std::string_view portal;
  uint32_t row_limit = 0;  ///< 0 = all
};

/// Decoders. Every count is checked against the bytes that remain before anything is allocated,
/// trailing bytes are refused. 08P01. The output structs are reused by callers to save allocations.
Status decode_parse(std::string_view body, Parse& out);
Status decode_bind(std::string_view body, Bind& out);
Status decode_target(std::string_view body, Target& out);
Status decode_execute(std::string_view body, Execute& out);
/// Query, CopyFail: one zero-terminated string.
Status decode_string(std::string_view body, std::string_view& out);

/// The start-up packet (after its length).
struct StartupPacket {
  uint32_t code = 0;  ///< protocol version or one of the request codes above
  /// Name/value pairs in the order sent; only for protocol 3.x.
  std::vector<std::pair<std::string_view, std::string_view>> parameters;
  /// CancelRequest only.
  int32_t cancel_pid = 0, cancel_key = 0;
};
Status decode_startup(std::string_view body, StartupPacket& out);

/// SASLInitialResponse: mechanism and the client's first message (absent = nullopt is an empty view
/// with has_response false).
struct SaslInitialResponse {
  std::string_view mechanism;
  std::string_view response;
};
Status decode_sasl_initial(std::string_view body, SaslInitialResponse& out);

}  // namespace eventd::pgwire
