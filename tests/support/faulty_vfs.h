// A SQLite VFS before the real one that fails or tears the n-th operation of a kind, and that can take
// back what was never synced, as a power loss does. Only for test programs: it becomes the default VFS
// of the process.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "tests/support/unsynced_writes.h"

namespace eventd::test {

enum class IoKind : uint8_t { kOpen, kRead, kWrite, kTruncate, kSync, kSize, kDelete, kLock, kShm };
inline constexpr size_t kIoKinds = 9;

std::string_view io_kind_name(IoKind kind);

struct IoFault {
  IoKind kind = IoKind::kWrite;
  uint64_t nth = 1;  ///< from 1, counted since arm()
  int result = SQLITE_IOERR_WRITE;
  bool torn = false;      ///< kWrite: the first half of the bytes is written all the same
  bool for_ever = false;  ///< every one from the n-th on fails, until heal()
};

/// One object a process. Any thread; operations of all files and connections count together.
class FaultyVfs {
 public:
  /// The object, registered as SQLite's default VFS by the first call.
  static FaultyVfs& instance();

  /// From now on `fault` is waited for; counts start again at 0.
  void arm(const IoFault& fault);
  /// Nothing fails any more, the power is back.
  void heal();
  /// Whether something has failed since arm() or cut_power_at().
  bool fired() const;
  /// Operations of `kind` since arm() or cut_power_at().
  uint64_t count(IoKind kind) const;

  /// Remembers from now on what is written and not synced. At the n-th write or sync from now the
  /// power is cut: that operation and all that change files afterwards fail and change nothing.
  void cut_power_at(uint64_t nth);
  /// Gives the files what may lie on a disk afterwards: what was synced, and by `seed` some of what
  /// was not, torn in part. REQUIRES: all connections are closed. The power is back.
  void restore_after_power_loss(uint64_t seed);

  // Called by the VFS's functions.
  enum class Verdict : uint8_t { kPass, kFail, kTear };
  /// What is to become of the next operation of `kind`; kFail and kTear: `result` is what to return.
  Verdict judge(IoKind kind, int& result);
  /// Null while nothing is remembered.
  UnsyncedWrites* unsynced();
  std::recursive_mutex& mutex() { return mutex_; }

 private:
  FaultyVfs();

  mutable std::recursive_mutex mutex_;  // also held while a file is changed and that is remembered
  IoFault fault_;
  bool armed_ = false;
  bool fired_ = false;
  uint64_t power_off_at_ = 0;  // of writes and syncs; 0 = never
  bool recording_ = false;
  std::array<uint64_t, kIoKinds> counts_{};
  UnsyncedWrites unsynced_;
};

}  // namespace eventd::test
