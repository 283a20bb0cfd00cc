#include "engine/catalog/field_store.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "log.h"

namespace eventd::engine {
namespace {

constexpr std::string_view kProgressPrefix = "sampled:";

constexpr char kMetaSchema[] = R"(
CREATE TABLE IF NOT EXISTS metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fields (
  id INTEGER PRIMARY KEY,
  event_type TEXT NOT NULL,
  path TEXT NOT NULL,
  type TEXT NOT NULL,
  seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL
);
INSERT OR IGNORE INTO metadata VALUES ('schema_version', '1');
INSERT OR IGNORE INTO metadata VALUES ('created_at', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));
)";

Result<sqlite::Connection> open_meta(const std::string& path) {
  ASSIGN_OR_RETURN(auto database,
                   sqlite::Connection::open(path, {.wal = true, .synchronous_full = false}));
  RETURN_IF_ERROR(database.exec(kMetaSchema));
  ASSIGN_OR_RETURN(const int64_t known,
                   database.query_int64("SELECT count(*) FROM metadata WHERE key = 'schema_version' "
                                        "AND value = '1'"));
  if (known != 1) return Status(sqlstate::kDataCorrupted, "it has an unknown version");
  ASSIGN_OR_RETURN(auto probe,
                   database.prepare("SELECT id, event_type, path, type, seen, last_seen FROM fields"));
  (void)probe;
  return database;
}

}  // namespace

Result<FieldStore> FieldStore::open(const std::string& path) {
  Result<sqlite::Connection> database = open_meta(path);
  if (!database.ok()) {
    log::warning("\"" + path + "\" is made anew: " + database.error().message);
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(path + suffix, ignored);
    }
    database = open_meta(path);
    if (!database.ok()) return std::move(database).take_status();
  }
  return FieldStore(std::move(*database));
}

Result<std::vector<StoredField>> FieldStore::load() {
  ASSIGN_OR_RETURN(auto statement,
                   database_.prepare("SELECT id, event_type, path, type, seen, last_seen FROM fields "
                                     "ORDER BY id"));
  std::vector<StoredField> fields;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, statement.step());
    if (!row) return fields;
    const auto type = field_type_named(statement.text(3));
    if (!type || statement.int64(0) <= 0) continue;
    fields.push_back({statement.int64(0), std::string(statement.text(1)), std::string(statement.text(2)),
                      *type, statement.int64(4), statement.int64(5)});
  }
}

Result<SampleProgress> FieldStore::load_progress() {
  ASSIGN_OR_RETURN(auto statement, database_.prepare("SELECT key, CAST(value AS INTEGER) FROM metadata"));
  SampleProgress progress;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, statement.step());
    if (!row) return progress;
    std::string_view key = statement.text(0);
    if (!key.starts_with(kProgressPrefix)) continue;
    key.remove_prefix(kProgressPrefix.size());
    progress[std::string(key)] = statement.int64(1);
  }
}

Status FieldStore::save(std::span<const StoredField> fields, const SampleProgress& progress) {
  RETURN_IF_ERROR(database_.exec("BEGIN IMMEDIATE"));
  Status status = write(fields, progress);
  if (status.ok()) status = database_.exec("COMMIT");
  if (!status.ok() && database_.in_transaction()) {
    Status undone = database_.exec("ROLLBACK");
    if (!undone.ok()) log::warning("the field catalog: " + undone.error().message);
  }
  if (status.ok()) sqlite3_wal_checkpoint_v2(database_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  return status;
}

Status FieldStore::write(std::span<const StoredField> fields, const SampleProgress& progress) {
  ASSIGN_OR_RETURN(auto field, database_.prepare("INSERT OR REPLACE INTO fields VALUES (?, ?, ?, ?, ?, ?)"));
  for (const StoredField& row : fields) {
    field.bind(1, row.id);
    field.bind_text(2, row.event_type);
    field.bind_text(3, row.path);
    field.bind_text(4, field_type_name(row.type));
    field.bind(5, row.seen);
    field.bind(6, row.last_seen_ns);
    RETURN_IF_ERROR(field.run());
  }
  ASSIGN_OR_RETURN(auto file, database_.prepare("INSERT OR REPLACE INTO metadata VALUES (?, ?)"));
  for (const auto& [name, last_id] : progress) {
    const std::string key = std::string(kProgressPrefix) + name;
    const std::string value = std::to_string(last_id);
    file.bind_text(1, key);
    file.bind_text(2, value);
    RETURN_IF_ERROR(file.run());
  }
  return {};
}

}  // namespace eventd::engine
