// Names of shard files, and moving a file out of the way. Spec: storage.md "Event shard", "Corruption".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "result.h"

namespace eventd::engine::shard_files {

/// shard-NNNN.db
std::string name(uint32_t index);

/// Beside the shards, and none of them: adaptive state and field catalog.
inline constexpr std::string_view kMetaDatabase = "eventd-meta.db";

/// The two reasons for which a file is set aside; part of its new name.
inline constexpr std::string_view kCorrupt = "corrupt";
inline constexpr std::string_view kUnknownVersion = "unknown-version";

/// Set aside because it is damaged: nothing ever writes to it again.
bool is_corrupt(std::string_view path);

/// Renames `path`, its -wal and its -shm to <stem>.<why>-<UTC time>.db…, all or (by finish()) later;
/// the name is free then. The new path, or 58030 with everything where it was. REQUIRES: no
/// connection of ours writes to it.
Result<std::string> set_aside(const std::string& path, std::string_view why);

/// Finishes what a crash interrupted. Before any file of `directory` is opened.
Status finish(const std::string& directory);

}  // namespace eventd::engine::shard_files
