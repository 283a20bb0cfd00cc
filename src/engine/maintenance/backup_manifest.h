// What a backup consists of: the file `backup.manifest` in it.
//
//   eventd-backup 1
//   created 2026-11-20T13:05:00Z
//   server 0.1.0
//   file <bytes> <sha256> <name>        one line a file, names relative to the backup
//   end <sha256 of everything above>
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/maintenance/durable_file.h"
#include "result.h"

namespace eventd::engine {

inline constexpr char kManifestName[] = "backup.manifest";
/// In a directory that a backup or a restore has not finished.
inline constexpr char kIncompleteName[] = "INCOMPLETE";

struct ManifestFile {
  std::string name;
  FileDigest digest;
};

struct BackupManifest {
  std::string created, server;
  std::vector<ManifestFile> files;

  std::string to_text() const;
  /// XX001 for whatever to_text() would not write: a torn or changed manifest, names that lead out of
  /// the directory.
  static Result<BackupManifest> parse(std::string_view text);
  uint64_t total_bytes() const;
};

}  // namespace eventd::engine
