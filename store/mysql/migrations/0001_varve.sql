-- What Varve keeps for itself. All names begin with varve_.
--
-- Keys are VARBINARY: the one type that compares bytes and pads nothing on
-- MariaDB and MySQL alike, and that lets an id of 1,024 bytes into an index.
-- Every statement can be repeated, since DDL commits by itself here: what was
-- interrupted is done again.
CREATE TABLE IF NOT EXISTS varve_meta (
  "key"   VARBINARY(255) NOT NULL PRIMARY KEY,
  "value" LONGTEXT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was written where. seq is the order of writing; a transaction that began
-- early and ends late makes it useless to readers, who would pass its notes. So
-- they go by position, which a note gets only after its transaction committed:
-- whoever reads gives the next positions to all notes that have none yet. The
-- last position given stands in varve_meta, and its row is the readers' lock.
CREATE TABLE IF NOT EXISTS varve_change (
  seq      BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  position BIGINT,
  tbl      VARBINARY(255) NOT NULL,
  "key"    VARBINARY(1024) NOT NULL,
  last     VARBINARY(1024),
  op       VARBINARY(16) NOT NULL,
  at       DATETIME(6) NOT NULL,
  KEY varve_change_position (position)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT IGNORE INTO varve_meta ("key","value") VALUES ('position','0');

-- Threads deleted a short time ago, so that a late write does not bring them
-- back, with what a cursor needs to go on behind them.
CREATE TABLE IF NOT EXISTS varve_tombstone (
  thread          VARBINARY(1024) NOT NULL PRIMARY KEY,
  user_id         VARBINARY(1024),
  user_identifier VARBINARY(1024),
  last_activity   VARBINARY(32) NOT NULL,
  at              DATETIME(6) NOT NULL,
  KEY varve_tombstone_at (at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Stored bytes that no element names any more and that wait for deletion.
-- Their keys may be long: names of files are a part of them.
CREATE TABLE IF NOT EXISTS varve_orphan (
  id    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  "key" LONGBLOB NOT NULL,
  KEY varve_orphan_key ("key"(255))
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
