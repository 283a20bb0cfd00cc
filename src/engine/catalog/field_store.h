// eventd-meta.db: where the field catalog is kept. What is lost of it is learned again.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/catalog/field_type.h"
#include "engine/storage/sqlite.h"
#include "result.h"

namespace eventd::engine {

/// A row of `fields`. One with an empty path stands for the event type itself.
struct StoredField {
  int64_t id = 0;
  std::string event_type, path;
  FieldType type = FieldType::kMap;
  int64_t seen = 0, last_seen_ns = 0;
};

/// Last id sampled of each shard file, by the file's name.
using SampleProgress = std::map<std::string, int64_t>;

/// One thread at a time.
class FieldStore {
 public:
  /// Opens or makes the file; one that is damaged or of another version is removed first: unlike
  /// shards it holds nothing that cannot be found again.
  static Result<FieldStore> open(const std::string& path);

  /// All rows by id; those that make no sense are left out.
  Result<std::vector<StoredField>> load();
  Result<SampleProgress> load_progress();
  /// In one transaction.
  Status save(std::span<const StoredField> fields, const SampleProgress& progress);

 private:
  explicit FieldStore(sqlite::Connection database) : database_(std::move(database)) {}
  Status write(std::span<const StoredField> fields, const SampleProgress& progress);
  sqlite::Connection database_;
};

}  // namespace eventd::engine
