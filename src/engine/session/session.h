// One client's state below the protocol: settings, transaction, prepared statements, portals.
//
// Nothing here blocks on another thread. What must wait (a durable commit, room in a writer)
// returns Progress::kWaiting after taking a Wake, which is called once, from any thread, when the
// call is worth repeating — the shape of a poll. pgwire suspends the connection meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bytes.h"
#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/statement.h"
#include "engine/scan/cancel_token.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

class SessionSettings;

using Wake = std::function<void()>;
enum class Progress : uint8_t {
  kRows,     ///< a batch was delivered
  kDone,     ///< finished
  kWaiting,  ///< call again after Wake
};

/// 'I', 'T', 'E' of ReadyForQuery.
enum class TransactionState : char { kIdle = 'I', kInTransaction = 'T', kFailed = 'E' };

/// A parsed (and, for queries, bound) statement. Immutable, shared.
struct Prepared {
  std::shared_ptr<const Statement> statement;  ///< null = empty query
  std::vector<Oid> parameter_types;
  /// Result columns; empty with returns_rows == false = NoData.
  std::vector<OutputColumn> columns;
  bool returns_rows = false;
  /// The bound plan of a query, cloned for each execution. Null for other statements.
  std::shared_ptr<const PlanNode> plan;
  /// Planning an execution may take long: see planning_effort.h.
  bool plans_long = false;
  /// Catalog generation its names and types depend on; 0 = it is the same in all.
  uint64_t generation = 0;
  /// The search_path its names were looked for in; only of statements that name relations.
  std::optional<std::string> search_path;
};

/// Rows arriving by COPY … FROM STDIN, already without protocol framing. Owned by its portal.
class CopyIn {
 public:
  virtual ~CopyIn() = default;
  /// Takes some bytes (rows may be split anywhere). kDone = taken; kWaiting = nothing was taken,
  /// call again with the same bytes after `wake`. 22P04, 22P02 with line and column in context.
  virtual Result<Progress> consume(ByteSpan bytes, Wake wake) = 0;
  /// CopyDone. Afterwards the portal's advance() finishes the command (commit wait, tag).
  virtual Status finish() = 0;
  /// For CopyInResponse: 0 text, 1 binary; number of columns.
  virtual int format_code() const = 0;
  virtual int column_count() const = 0;
};

/// A bound statement being executed. Owned by the session's thread; while advance() runs on a pool
/// thread nobody else touches it.
class Portal {
 public:
  enum class Kind : uint8_t { kRows, kCommand, kCopyIn, kCopyOut };
  virtual ~Portal() = default;
  virtual Kind kind() const = 0;
  virtual const std::vector<OutputColumn>& columns() const = 0;
  /// True = call advance() on the I/O thread; false = on the scan pool (run_on_pool), it may take
  /// long or block.
  virtual bool is_short() const = 0;
  /// Delivers the next batch (kRows: `batch` has rows), waits or ends.
  virtual Result<Progress> advance(Batch& batch, Wake wake) = 0;
  /// CommandComplete's tag once advance() returned kDone. `rows` sent by pgwire over all Executes.
  virtual std::string command_tag(uint64_t rows) const = 0;
  /// kCopyIn only.
  virtual CopyIn* copy_in() { return nullptr; }
  /// kCopyOut only: the options for encoding rows as COPY data.
  virtual const CopyStatement* copy_out() const { return nullptr; }
  /// True when this statement must not run again (all but row portals after completion).
  virtual bool is_empty_query() const { return false; }
};

/// A parameter as it came in Bind.
struct WireParameter {
  std::optional<std::string_view> bytes;  ///< nullopt = NULL
  int16_t format = 0;
};

/// Warnings and notices for the client, sent before CommandComplete.
struct Notice {
  std::string severity;  ///< WARNING, NOTICE
  SqlState code;
  std::string message;
};

/// One client. Owned by one I/O thread; only cancel() may be called from others.
class Session {
 public:
  virtual ~Session() = default;
  virtual int32_t backend_pid() const = 0;
  virtual int32_t secret_key() const = 0;
  virtual SessionSettings& settings() = 0;
  /// The format settings of now, for encoding rows.
  virtual FormatOptions format_options() const = 0;
  virtual TransactionState transaction_state() const = 0;
  virtual std::vector<Notice> take_notices() = 0;

  /// Parses and binds one statement. `declared` types: 0 = infer. Positions in errors are relative
  /// to `text`. Fails with 25P02 in a failed transaction unless it is COMMIT/ROLLBACK.
  virtual Result<std::shared_ptr<const Prepared>> prepare(std::string_view text,
                                                          std::span<const Oid> declared) = 0;
  /// One namespace for Parse and SQL PREPARE. 42P05 if a named one exists; "" replaces.
  virtual Status store_prepared(std::string name, std::shared_ptr<const Prepared> prepared) = 0;
  /// 26000 if there is none.
  virtual Result<std::shared_ptr<const Prepared>> find_prepared(std::string_view name) const = 0;
  virtual void close_prepared(std::string_view name) = 0;

  /// Binds parameters and starts a portal. Decodes text and binary parameters by type (22P02,
  /// 22P03, 08P01 for a wrong count). Opens the implicit transaction when none is open.
  virtual Result<std::unique_ptr<Portal>> bind(std::shared_ptr<const Prepared> prepared,
                                               std::span<const WireParameter> parameters) = 0;

  /// A statement is about to run: sets statement time and the statement_timeout deadline.
  virtual void begin_statement(std::string_view text) = 0;
  /// It has ended (whatever way): clears the deadline and the cancel request.
  virtual void end_statement() = 0;
  /// An error was sent: an explicit transaction becomes failed, an implicit one is rolled back.
  virtual void fail_transaction() = 0;
  /// Before ReadyForQuery (end of Query or Sync): commits the implicit transaction. kDone also when
  /// there is nothing to do.
  virtual Result<Progress> finish_implicit(Wake wake) = 0;
  /// Whether the calling thread has nobody else to serve at the moment: a commit may then run on it
  /// (an fsync's time) instead of being handed to another thread and waited for.
  virtual void set_thread_spare(bool spare) { (void)spare; }

  virtual CancelToken& cancel_token() = 0;
  /// `wake` is called, from any thread, whenever a CancelRequest reached the running statement, so
  /// that a wait for something else ends. Set once, before the cancel key is given away.
  virtual void on_cancel(Wake wake) = 0;
  /// statement_timeout does not run while the server waits for its client.
  virtual void pause_timeout() = 0;
  virtual void resume_timeout() = 0;
  /// CLOCK_MONOTONIC ns at which the running statement times out; 0 = never.
  virtual int64_t deadline_ns() const = 0;
  /// Runs `task` on the scan pool.
  virtual void run_on_pool(std::function<void()> task) = 0;
  /// query_buffer-style bound for what pgwire keeps for this session, in bytes.
  virtual size_t max_message_bytes() const = 0;
};

}  // namespace eventd::engine
