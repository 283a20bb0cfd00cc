// A backup made into a data directory again.
#pragma once

#include <string>

#include "engine/maintenance/backup_manifest.h"
#include "result.h"

namespace eventd::engine {

/// Checks every file of `backup` against its manifest and copies it into `data_directory`, which is
/// made, or holds nothing. Until all of it is on the disk a marker keeps servers from starting there.
/// XX001 for a damaged backup, 55000 when a server uses the directory, 42710 when it is not empty,
/// 53100, 58030; a failed restore removes what it copied.
Result<BackupManifest> restore_backup(const std::string& backup, const std::string& data_directory);

/// 55000 when `data_directory` is what a restore has not finished.
Status check_restore_finished(const std::string& data_directory);

}  // namespace eventd::engine
