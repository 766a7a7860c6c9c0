-- The catalogue of versioned tables: what each was declared as, in JSON, and the
-- position and time (microseconds since 1970) of its newest version. Whoever writes
-- to a table locks its row here first, so that positions are in the order of
-- commits. An edition is a number drawn at random for each declaration, so that what
-- is remembered under it is right or not found, even where a transaction was undone.
-- Rows are updated in place as long as their pages have room.
CREATE TABLE :varve.varve_table (
  name        TEXT COLLATE "C" PRIMARY KEY,
  declaration TEXT NOT NULL,
  edition     BIGINT NOT NULL,
  generation  BIGINT NOT NULL,
  horizon     BIGINT NOT NULL,
  seq         BIGINT NOT NULL,
  at          BIGINT NOT NULL
) WITH (fillfactor = 25);
