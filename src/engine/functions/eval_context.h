// What an expression may know besides its arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/scan/cancel_token.h"
#include "engine/types/format_options.h"
#include "result.h"

namespace eventd::engine {

class SessionRandom;

/// Session facts that functions read (current_user, current_setting …). Implemented by the session.
/// Called from any thread while the statement runs: implementations are read-only copies.
class SessionFacts {
 public:
  virtual ~SessionFacts() = default;
  virtual std::string current_user() const = 0;
  virtual std::string session_user() const = 0;
  virtual std::string current_database() const = 0;
  virtual int32_t backend_pid() const = 0;
  /// The value as SHOW prints it; nullopt if there is no such setting.
  virtual std::optional<std::string> setting(std::string_view name) const = 0;
  virtual std::string server_version_text() const = 0;  ///< version()
  /// What setseed() sets and random() then goes on with; null = there is none.
  virtual SessionRandom* random() const { return nullptr; }
};

class SubqueryRunner;  // engine/exec

/// Constant while one statement runs. Borrowed by evaluators on several threads.
struct EvalContext {
  FormatOptions format;
  int64_t transaction_timestamp_us = 0;  ///< now(): µs since 2000-01-01
  int64_t statement_timestamp_us = 0;
  const SessionFacts* session = nullptr;
  const CancelToken* cancel = nullptr;  ///< never null while a statement runs
  /// What one value, or the values of one call over a batch, may take (setting query_buffer).
  size_t value_bytes_limit = size_t{256} << 20;
  /// Runs the queries in expressions. Set by the executor; functions have no use for it.
  SubqueryRunner* subqueries = nullptr;
};

}  // namespace eventd::engine
