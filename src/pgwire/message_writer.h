// Backend messages, appended to one growing buffer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "engine/plan/logical_plan.h"
#include "engine/session/session.h"
#include "pgwire/messages.h"
#include "result.h"

namespace eventd::pgwire {

enum class Severity : uint8_t { kError, kFatal };

/// Appends messages to a buffer it doesn't own. Cheap to make; used on one thread.
class MessageWriter {
 public:
  explicit MessageWriter(std::string& out) : out_(out) {}

  void authentication_ok() { authentication(0, {}); }
  /// AuthenticationSASL with one mechanism.
  void authentication_sasl(std::string_view mechanism);
  void authentication_sasl_continue(std::string_view data) { authentication(11, data); }
  void authentication_sasl_final(std::string_view data) { authentication(12, data); }
  void negotiate_protocol_version(std::span<const std::string_view> unknown_options);
  void parameter_status(std::string_view name, std::string_view value);
  void backend_key_data(int32_t pid, int32_t key);
  void ready_for_query(engine::TransactionState state);

  /// Empty messages: ParseComplete, BindComplete, NoData, PortalSuspended …
  void empty(BackendType type);
  void parameter_description(std::span<const engine::Oid> types);
  /// `formats` as in Bind: none, one for all, or one a column.
  void row_description(std::span<const engine::OutputColumn> columns,
                       std::span<const int16_t> formats);
  void command_complete(std::string_view tag);
  void copy_response(BackendType type, int format_code, size_t columns);
  void error(Severity severity, const Error& error);
  void notice(const engine::Notice& notice);

 private:
  void authentication(uint32_t code, std::string_view data);
  size_t begin(BackendType type);
  void end(size_t start);
  void c_string(std::string_view text);
  void field(char code, std::string_view text);

  std::string& out_;
};

inline Error make_error(SqlState code, std::string message) {
  return Error{code, std::move(message), {}, {}, {}, 0};
}

/// The format of column `i` under Bind's rule.
inline int16_t format_of(std::span<const int16_t> formats, size_t i) {
  return formats.empty() ? int16_t{0} : formats.size() == 1 ? formats[0] : formats[i];
}

}  // namespace eventd::pgwire
