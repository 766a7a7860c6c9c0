-- The index of artifacts: bytes by their SHA-256, where they lie in the bucket,
-- what they need, who names them, and the places that are being written or
-- removed. Times are in microseconds since 1970.
CREATE TABLE IF NOT EXISTS varve_artifact (
  digest TEXT PRIMARY KEY, size INTEGER NOT NULL, media TEXT NOT NULL, place TEXT NOT NULL, touched INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS varve_artifact_part (
  part TEXT NOT NULL, whole TEXT NOT NULL, PRIMARY KEY (part, whole)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS varve_artifact_whole ON varve_artifact_part (whole);
CREATE TABLE IF NOT EXISTS varve_artifact_ref (
  digest TEXT NOT NULL, owner_kind TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (digest, owner_kind, owner)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS varve_artifact_owner ON varve_artifact_ref (owner_kind, owner);
CREATE TABLE IF NOT EXISTS varve_artifact_note (
  place TEXT PRIMARY KEY, made INTEGER NOT NULL, doomed INTEGER NOT NULL) WITHOUT ROWID;
