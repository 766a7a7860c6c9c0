-- The index of artifacts: bytes by their SHA-256, where they lie in the bucket,
-- what they need, who names them, and the places that are being written or
-- removed. Times are in microseconds since 1970.
CREATE TABLE IF NOT EXISTS varve_artifact (
  digest  VARBINARY(64) NOT NULL PRIMARY KEY,
  size    BIGINT NOT NULL,
  media   VARBINARY(255) NOT NULL,
  place   VARBINARY(255) NOT NULL,
  touched BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
CREATE TABLE IF NOT EXISTS varve_artifact_part (
  part  VARBINARY(64) NOT NULL,
  whole VARBINARY(64) NOT NULL,
  PRIMARY KEY (part, whole),
  KEY varve_artifact_whole (whole)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
CREATE TABLE IF NOT EXISTS varve_artifact_ref (
  digest     VARBINARY(64) NOT NULL,
  owner_kind VARBINARY(32) NOT NULL,
  owner      VARBINARY(255) NOT NULL,
  PRIMARY KEY (digest, owner_kind, owner),
  KEY varve_artifact_owner (owner_kind, owner)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
CREATE TABLE IF NOT EXISTS varve_artifact_note (
  place  VARBINARY(255) NOT NULL PRIMARY KEY,
  made   BIGINT NOT NULL,
  doomed INT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC;
