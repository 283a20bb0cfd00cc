// A session's transaction: its state, its uncommitted events, savepoints and snapshot.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/ingest/event_ingest.h"
#include "engine/scan/relation.h"
#include "engine/session/session.h"

namespace eventd::engine {

/// What the committing session does meanwhile.
enum class CommitMode : uint8_t {
  kHandOver,  ///< nothing: it goes on before the commit is durable
  kWait,      ///< waits for its Wake
  kHere,      ///< runs the commit on its own thread if the writer has nothing to do; else kWait
};

/// Owned by the session's thread. The pipeline outlives it.
class SessionTransaction {
 public:
  TransactionState state() const { return state_; }
  bool is_open() const { return open_; }
  bool is_explicit() const { return explicit_; }
  bool is_failed() const { return state_ == TransactionState::kFailed; }
  bool read_only() const { return read_only_; }
  void set_read_only(bool read_only) { read_only_ = read_only; }
  /// True for serializable too, which is no stricter where rows are only added.
  bool repeatable_read() const { return repeatable_read_; }
  /// Whether a query has run in it: its characteristics are settled then.
  bool has_queried() const { return has_queried_; }
  void note_query() { has_queried_ = true; }
  /// "read committed", "repeatable read" …; empty outside explicit transactions.
  const std::string& isolation() const { return isolation_; }
  void set_isolation(std::string level) {
    repeatable_read_ = level == "repeatable read" || level == "serializable";
    isolation_ = std::move(level);
  }
  /// µs since 2000-01-01 of its first statement: now().
  int64_t timestamp_us() const { return timestamp_us_; }

  /// The first statement of an implicit transaction, or BEGIN. No effect when open.
  void open(int64_t timestamp_us);
  /// BEGIN inside an open one makes it explicit.
  void make_explicit();
  /// An error: explicit → failed, its rows dropped; implicit → gone.
  void fail();

  Status savepoint(std::string name);
  /// 3B001 when there is none of that name. Levels popped are returned, for the settings.
  Result<size_t> release(std::string_view name);
  Result<size_t> rollback_to(std::string_view name);

  /// The rows inserted so far; `make` is called for the first.
  EventTransaction& events(const std::function<std::unique_ptr<EventTransaction>()>& make);
  EventTransaction* events_or_null() { return events_.get(); }

  /// Hands the rows over and sees to the durable commit as `mode` says. kDone = committed (or handed
  /// over) and closed. An error = rolled back and closed. Repeated with the same mode after `wake`.
  Result<Progress> commit(CommitMode mode, Wake wake);
  /// Where the last committed rows went; valid after a synchronous commit of some.
  const EventTransaction::Outcome& last_outcome() const { return last_outcome_; }
  void rollback();

  /// The snapshot all statements of a REPEATABLE READ transaction share; empty otherwise.
  std::shared_ptr<const Snapshot> snapshot;

 private:
  // What the writer thread and the session both see of a commit under way.
  struct PendingCommit {
    std::mutex mutex;
    bool done = false;   // guarded by mutex
    Status outcome;      // guarded by mutex
    EventTransaction::Outcome position;  // guarded by mutex
    Wake wake;           // guarded by mutex
  };
  struct Savepoint {
    std::string name;
    uint64_t row_count = 0;
  };
  void close();

  TransactionState state_ = TransactionState::kIdle;
  bool open_ = false, explicit_ = false, read_only_ = false, repeatable_read_ = false,
       has_queried_ = false;
  std::string isolation_;
  int64_t timestamp_us_ = 0;
  std::unique_ptr<EventTransaction> events_;
  std::vector<Savepoint> savepoints_;
  std::shared_ptr<PendingCommit> commit_;
  EventTransaction::Outcome last_outcome_;
};

}  // namespace eventd::engine
