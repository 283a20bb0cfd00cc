#include "engine/session/session_transaction.h"

#include <algorithm>

#include "engine/limits.h"

namespace eventd::engine {
namespace {

Status no_such_savepoint(std::string_view name) {
  return Status(SqlState{"3B001"}, "savepoint \"" + std::string(name) + "\" does not exist");
}

}  // namespace

void SessionTransaction::open(int64_t timestamp_us) {
  if (open_) return;
  open_ = true;
  timestamp_us_ = timestamp_us;
}

void SessionTransaction::make_explicit() {
  explicit_ = true;
  state_ = TransactionState::kInTransaction;
}

void SessionTransaction::fail() {
  if (explicit_) {
    // ROLLBACK TO may still want what came before a savepoint.
    if (savepoints_.empty()) events_.reset();
    state_ = TransactionState::kFailed;
  } else {
    close();
  }
}

Status SessionTransaction::savepoint(std::string name) {
  if (savepoints_.size() >= kSavepointsMax) {
    return Status(sqlstate::kProgramLimitExceeded, "too many savepoints");
  }
  savepoints_.push_back({std::move(name), events_ ? events_->row_count() : 0});
  return {};
}

Result<size_t> SessionTransaction::release(std::string_view name) {
  const auto at = std::find_if(savepoints_.rbegin(), savepoints_.rend(),
                               [&](const Savepoint& s) { return s.name == name; });
  if (at == savepoints_.rend()) return no_such_savepoint(name);
  const auto levels = static_cast<size_t>(at - savepoints_.rbegin()) + 1;
  savepoints_.resize(savepoints_.size() - levels);
  return levels;
}

Result<size_t> SessionTransaction::rollback_to(std::string_view name) {
  const auto at = std::find_if(savepoints_.rbegin(), savepoints_.rend(),
                               [&](const Savepoint& s) { return s.name == name; });
  if (at == savepoints_.rend()) return no_such_savepoint(name);
  const auto levels = static_cast<size_t>(at - savepoints_.rbegin()) + 1;
  if (events_ != nullptr) RETURN_IF_ERROR(events_->truncate(at->row_count));
  // The savepoint itself stays.
  savepoints_.resize(savepoints_.size() - levels + 1);
  state_ = TransactionState::kInTransaction;
  return levels;
}

EventTransaction& SessionTransaction::events(
    const std::function<std::unique_ptr<EventTransaction>()>& make) {
  if (events_ == nullptr) events_ = make();
  return *events_;
}

Result<Progress> SessionTransaction::commit(CommitMode mode, Wake wake) {
  if (commit_ == nullptr) {
    if (events_ == nullptr || events_->row_count() == 0) {
      close();
      return Progress::kDone;
    }
    commit_ = std::make_shared<PendingCommit>();
    auto durable = [shared = commit_](Status outcome, EventTransaction::Outcome position) {
      Wake to_call;
      {
        const std::lock_guard lock(shared->mutex);
        shared->done = true;
        shared->outcome = std::move(outcome);
        shared->position = position;
        to_call = std::move(shared->wake);
      }
      if (to_call) to_call();
    };
    if (mode == CommitMode::kHere) events_->commit_here(std::move(durable));
    else events_->submit(std::move(durable));
    if (mode == CommitMode::kHandOver) {
      close();
      return Progress::kDone;
    }
  }
  const std::shared_ptr<PendingCommit> pending = commit_;
  const std::lock_guard lock(pending->mutex);
  if (!pending->done) {
    pending->wake = std::move(wake);
    return Progress::kWaiting;
  }
  Status outcome = std::move(pending->outcome);
  last_outcome_ = pending->position;
  close();
  if (!outcome.ok()) return outcome;
  return Progress::kDone;
}

void SessionTransaction::rollback() { close(); }

void SessionTransaction::close() {
  events_.reset();
  savepoints_.clear();
  commit_.reset();
  snapshot.reset();
  state_ = TransactionState::kIdle;
  isolation_.clear();
  open_ = explicit_ = read_only_ = repeatable_read_ = has_queried_ = false;
}

}  // namespace eventd::engine
