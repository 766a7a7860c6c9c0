-- The index of artifacts: bytes by their SHA-256, where they lie in the bucket,
-- what they need, who names them, and the places that are being written or
-- removed. Times are in microseconds since 1970.
CREATE TABLE :varve.varve_artifact (
  digest  TEXT COLLATE "C" PRIMARY KEY,
  size    BIGINT NOT NULL,
  media   TEXT NOT NULL,
  place   TEXT NOT NULL,
  touched BIGINT NOT NULL
);
CREATE TABLE :varve.varve_artifact_part (
  part  TEXT COLLATE "C" NOT NULL,
  whole TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (part, whole)
);
CREATE INDEX varve_artifact_whole ON :varve.varve_artifact_part (whole);
CREATE TABLE :varve.varve_artifact_ref (
  digest     TEXT COLLATE "C" NOT NULL,
  owner_kind TEXT COLLATE "C" NOT NULL,
  owner      TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (digest, owner_kind, owner)
);
CREATE INDEX varve_artifact_owner ON :varve.varve_artifact_ref (owner_kind, owner);
CREATE TABLE :varve.varve_artifact_note (
  place  TEXT COLLATE "C" PRIMARY KEY,
  made   BIGINT NOT NULL,
  doomed INT NOT NULL
);
