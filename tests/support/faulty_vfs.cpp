#include "tests/support/faulty_vfs.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

namespace eventd::test {
namespace {

using Verdict = FaultyVfs::Verdict;

/// What SQLite sees as the file; the real VFS's file lies behind it in the same block.
struct FaultyFile {
  sqlite3_file base;
  std::string* path;  // null: a temporary file, whose content matters to nobody afterwards
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_vfs* real_vfs = nullptr;

FaultyFile* self(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return self(file)->real(); }
const sqlite3_io_methods* methods(sqlite3_file* file) { return real(file)->pMethods; }

// Returns from the function when an operation of this kind is to fail.
#define FAIL_IF_DUE(kind)                                                             \
  do {                                                                                \
    int fail_result = SQLITE_OK;                                                      \
    if (FaultyVfs::instance().judge(kind, fail_result) != Verdict::kPass) return fail_result; \
  } while (false)

int file_close(sqlite3_file* file) {
  const int rc = real(file)->pMethods ? methods(file)->xClose(real(file)) : SQLITE_OK;
  delete self(file)->path;
  return rc;
}

int file_read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  FAIL_IF_DUE(IoKind::kRead);
  return methods(file)->xRead(real(file), bytes, size, offset);
}

int write_through(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  UnsyncedWrites* unsynced = self(file)->path ? FaultyVfs::instance().unsynced() : nullptr;
  if (unsynced) unsynced->note_write(*self(file)->path, real(file), bytes, size, offset);
  return methods(file)->xWrite(real(file), bytes, size, offset);
}

int file_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  FaultyVfs& vfs = FaultyVfs::instance();
  const std::lock_guard lock(vfs.mutex());
  int result = SQLITE_OK;
  const Verdict verdict = vfs.judge(IoKind::kWrite, result);
  if (verdict == Verdict::kFail) return result;
  if (verdict == Verdict::kPass) return write_through(file, bytes, size, offset);
  (void)write_through(file, bytes, size / 2, offset);
  return result;
}

int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
  FaultyVfs& vfs = FaultyVfs::instance();
  const std::lock_guard lock(vfs.mutex());
  FAIL_IF_DUE(IoKind::kTruncate);
  UnsyncedWrites* unsynced = self(file)->path ? vfs.unsynced() : nullptr;
  if (unsynced) unsynced->note_truncate(*self(file)->path, real(file), size);
  return methods(file)->xTruncate(real(file), size);
}

int file_sync(sqlite3_file* file, int) {
  FaultyVfs& vfs = FaultyVfs::instance();
  const std::lock_guard lock(vfs.mutex());
  FAIL_IF_DUE(IoKind::kSync);
  // The power's loss is only played: nothing needs to reach the disk.
  UnsyncedWrites* unsynced = vfs.unsynced();
  if (unsynced && self(file)->path) unsynced->note_synced(*self(file)->path);
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  FAIL_IF_DUE(IoKind::kSize);
  return methods(file)->xFileSize(real(file), size);
}

int file_lock(sqlite3_file* file, int level) {
  FAIL_IF_DUE(IoKind::kLock);
  return methods(file)->xLock(real(file), level);
}

// Letting go of a lock never fails, as with the real one.
int file_unlock(sqlite3_file* file, int level) { return methods(file)->xUnlock(real(file), level); }

int file_check_reserved(sqlite3_file* file, int* reserved) {
  FAIL_IF_DUE(IoKind::kLock);
  return methods(file)->xCheckReservedLock(real(file), reserved);
}

int file_control(sqlite3_file* file, int operation, void* argument) {
  return methods(file)->xFileControl(real(file), operation, argument);
}

int file_sector_size(sqlite3_file* file) { return methods(file)->xSectorSize(real(file)); }

int file_characteristics(sqlite3_file* file) {
  return methods(file)->xDeviceCharacteristics(real(file));
}

int file_shm_map(sqlite3_file* file, int page, int page_size, int extend, void volatile** mapped) {
  FAIL_IF_DUE(IoKind::kShm);
  return methods(file)->xShmMap(real(file), page, page_size, extend, mapped);
}

int file_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  if ((flags & SQLITE_SHM_LOCK) != 0) FAIL_IF_DUE(IoKind::kLock);
  return methods(file)->xShmLock(real(file), offset, count, flags);
}

void file_shm_barrier(sqlite3_file* file) { methods(file)->xShmBarrier(real(file)); }

int file_shm_unmap(sqlite3_file* file, int remove) {
  return methods(file)->xShmUnmap(real(file), remove);
}

// Version 2: without xFetch, SQLite never maps a file.
const sqlite3_io_methods kMethods = {
    2,           file_close,        file_read,        file_write,           file_truncate,
    file_sync,   file_size,         file_lock,        file_unlock,          file_check_reserved,
    file_control, file_sector_size, file_characteristics, file_shm_map,     file_shm_lock,
    file_shm_barrier, file_shm_unmap, nullptr,        nullptr};

int vfs_open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  FaultyVfs& vfs = FaultyVfs::instance();
  const std::lock_guard lock(vfs.mutex());
  // Without methods SQLite does not close it.
  file->pMethods = nullptr;
  FAIL_IF_DUE(IoKind::kOpen);
  int existed = 1;
  if (name) real_vfs->xAccess(real_vfs, name, SQLITE_ACCESS_EXISTS, &existed);
  const int rc = real_vfs->xOpen(real_vfs, name, real(file), flags, out_flags);
  if (rc != SQLITE_OK) {
    if (real(file)->pMethods) methods(file)->xClose(real(file));
    return rc;
  }
  const bool kept = name && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0;
  self(file)->path = kept ? new std::string(name) : nullptr;
  if (kept && existed == 0 && vfs.unsynced()) vfs.unsynced()->note_created(name);
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs*, const char* name, int sync_directory) {
  FaultyVfs& vfs = FaultyVfs::instance();
  const std::lock_guard lock(vfs.mutex());
  FAIL_IF_DUE(IoKind::kDelete);
  if (vfs.unsynced()) vfs.unsynced()->note_deleted(name);
  return real_vfs->xDelete(real_vfs, name, sync_directory);
}

int vfs_access(sqlite3_vfs*, const char* name, int flags, int* result) {
  return real_vfs->xAccess(real_vfs, name, flags, result);
}
int vfs_full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
  return real_vfs->xFullPathname(real_vfs, name, size, out);
}
int vfs_randomness(sqlite3_vfs*, int size, char* out) {
  return real_vfs->xRandomness(real_vfs, size, out);
}
int vfs_sleep(sqlite3_vfs*, int microseconds) { return real_vfs->xSleep(real_vfs, microseconds); }
int vfs_current_time(sqlite3_vfs*, double* out) { return real_vfs->xCurrentTime(real_vfs, out); }
int vfs_last_error(sqlite3_vfs*, int size, char* out) {
  return real_vfs->xGetLastError(real_vfs, size, out);
}
int vfs_current_time_int64(sqlite3_vfs*, sqlite3_int64* out) {
  return real_vfs->xCurrentTimeInt64(real_vfs, out);
}

sqlite3_vfs faulty_vfs = {};

#undef FAIL_IF_DUE

}  // namespace

std::string_view io_kind_name(IoKind kind) {
  static constexpr std::array<std::string_view, kIoKinds> kNames = {
      "open", "read", "write", "truncate", "sync", "size", "delete", "lock", "shm"};
  return kNames[static_cast<size_t>(kind)];
}

FaultyVfs& FaultyVfs::instance() {
  // Never destroyed: SQLite may use the VFS until the process ends.
  static FaultyVfs& vfs = *new FaultyVfs;
  return vfs;
}

FaultyVfs::FaultyVfs() {
  real_vfs = sqlite3_vfs_find(nullptr);
  if (!real_vfs) std::abort();
  faulty_vfs.iVersion = 2;
  faulty_vfs.szOsFile = static_cast<int>(sizeof(FaultyFile)) + real_vfs->szOsFile;
  faulty_vfs.mxPathname = real_vfs->mxPathname;
  faulty_vfs.zName = "faulty";
  faulty_vfs.xOpen = vfs_open;
  faulty_vfs.xDelete = vfs_delete;
  faulty_vfs.xAccess = vfs_access;
  faulty_vfs.xFullPathname = vfs_full_pathname;
  faulty_vfs.xRandomness = vfs_randomness;
  faulty_vfs.xSleep = vfs_sleep;
  faulty_vfs.xCurrentTime = vfs_current_time;
  faulty_vfs.xGetLastError = vfs_last_error;
  faulty_vfs.xCurrentTimeInt64 = vfs_current_time_int64;
  if (sqlite3_vfs_register(&faulty_vfs, 1) != SQLITE_OK) std::abort();
}

void FaultyVfs::arm(const IoFault& fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  armed_ = true;
  fired_ = false;
  counts_ = {};
}

void FaultyVfs::heal() {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  power_off_at_ = 0;
  recording_ = false;
  unsynced_.clear();
}

bool FaultyVfs::fired() const {
  const std::lock_guard lock(mutex_);
  return fired_;
}

uint64_t FaultyVfs::count(IoKind kind) const {
  const std::lock_guard lock(mutex_);
  return counts_[static_cast<size_t>(kind)];
}

void FaultyVfs::cut_power_at(uint64_t nth) {
  const std::lock_guard lock(mutex_);
  power_off_at_ = nth;
  recording_ = true;
  fired_ = false;
  counts_ = {};
}

void FaultyVfs::restore_after_power_loss(uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  unsynced_.lose_power(random);
  recording_ = false;
  power_off_at_ = 0;
}

UnsyncedWrites* FaultyVfs::unsynced() { return recording_ ? &unsynced_ : nullptr; }

FaultyVfs::Verdict FaultyVfs::judge(IoKind kind, int& result) {
  const std::lock_guard lock(mutex_);
  const uint64_t count = ++counts_[static_cast<size_t>(kind)];
  const bool changes = kind == IoKind::kWrite || kind == IoKind::kSync ||
                       kind == IoKind::kTruncate || kind == IoKind::kDelete;
  if (power_off_at_ != 0 && changes) {
    const uint64_t at = counts_[static_cast<size_t>(IoKind::kWrite)] +
                        counts_[static_cast<size_t>(IoKind::kSync)];
    if (at >= power_off_at_) {
      fired_ = true;
      result = kind == IoKind::kSync     ? SQLITE_IOERR_FSYNC
               : kind == IoKind::kDelete ? SQLITE_IOERR_DELETE
                                         : SQLITE_IOERR_WRITE;
      return Verdict::kFail;
    }
  }
  if (!armed_ || fault_.kind != kind) return Verdict::kPass;
  if (fault_.for_ever ? count < fault_.nth : count != fault_.nth) return Verdict::kPass;
  fired_ = true;
  result = fault_.result;
  return fault_.torn && kind == IoKind::kWrite ? Verdict::kTear : Verdict::kFail;
}

}  // namespace eventd::test
