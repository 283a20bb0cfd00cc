-- One table of events in a shard. {0} is its number: 0–7 are always there, more come when those are
-- full or for a large transaction.

CREATE TABLE events_{0}(
  id INTEGER PRIMARY KEY,
  boot_id BLOB NOT NULL,
  timestamp INTEGER NOT NULL,
  cpu_id INTEGER,
  sequence INTEGER,
  origin_class INTEGER,
  event_type TEXT NOT NULL,
  effective_token_guid BLOB,
  true_token_guid BLOB,
  process_guid BLOB,
  payload BLOB
);
CREATE INDEX idx_events_{0}_timestamp ON events_{0}(timestamp);
