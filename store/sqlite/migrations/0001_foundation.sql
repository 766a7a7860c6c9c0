-- What Varve keeps for itself in every database it may write to.
CREATE TABLE IF NOT EXISTS varve_meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS varve_migration (name TEXT PRIMARY KEY, at TEXT) WITHOUT ROWID;
-- position never falls: the newest row is never pruned. at is in milliseconds.
CREATE TABLE IF NOT EXISTS varve_change (
  position INTEGER PRIMARY KEY, "table" TEXT, key TEXT, last TEXT, op TEXT, at INTEGER);
