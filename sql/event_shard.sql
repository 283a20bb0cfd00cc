-- A shard of events: one SQLite file, shard-NNNN.db. Times are nanoseconds since the Unix epoch, UTC;
-- GUIDs are 16 bytes in Microsoft byte order (first three groups little-endian).
-- The rows lie in tail tables (event_tail.sql); the view `events` over them is made anew whenever a
-- table comes or goes.

CREATE TABLE metadata(key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- The tail tables. state: 0 staged (dropped at the next start), 1 published. A row's id in the shard
-- is its rowid + id_base; tables with id_base 0 take new rows.
CREATE TABLE tails(number INTEGER PRIMARY KEY, state INTEGER NOT NULL, id_base INTEGER NOT NULL);

-- Merged ranges of sequences that are covered: stored, told as a gap, or refused.
CREATE TABLE receipts(
  boot_id BLOB NOT NULL,
  epoch BLOB NOT NULL,
  cpu_id INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(boot_id, epoch, cpu_id, first)
) WITHOUT ROWID;

-- Every type the shard has ever held; patterns and access rules are resolved against it.
CREATE TABLE event_types(event_type TEXT PRIMARY KEY) WITHOUT ROWID;
