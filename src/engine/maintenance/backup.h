// An online copy of a whole data directory. Spec: storage.md "Backup".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/ingest/event_ingest.h"
#include "engine/maintenance/backup_manifest.h"
#include "engine/storage/shard_set.h"
#include "result.h"

namespace eventd::engine {

struct BackupOptions {
  std::string data_directory;
  /// Absolute, outside the data directory; missing or an empty directory, its parent there.
  std::string target;
  std::string server_version;
};

/// One backup under way, on a thread of its own. Everything goes to `<target>.tmp` first; `target`
/// appears by a rename when all of it is on the disk, so what has that name is whole. A failed backup
/// removes what it has written.
///
/// What is in it: every database of the data directory (active shards through their writers, all as
/// of one moment; the others through read transactions; files set aside as damaged byte for byte),
/// eventd.conf, eventd.auto.conf, server.crt, server.key, admin.password and scram_mock.key. Files that
/// settings name elsewhere are not. Any thread may call its methods.
class Backup {
 public:
  /// `shards` and `ingest` outlive the result. `finished` is called once, from the backup's thread.
  /// 22023 for a target that can't be, 42710 for one that is there.
  static Result<std::shared_ptr<Backup>> start(ShardSet& shards, EventIngest& ingest,
                                               const BackupOptions& options,
                                               std::function<void()> finished);
  /// cancel(), and waits.
  ~Backup();

  /// It ends soon with 57014.
  void cancel();
  bool is_finished() const;
  /// The manifest, or what went wrong. REQUIRES: is_finished(); once.
  Result<BackupManifest> take_result();

 private:
  struct Impl;
  explicit Backup(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
