-- The catalogue of versioned tables: what each was declared as, in JSON. An
-- edition is a number drawn at random for each declaration, so that what is
-- remembered under it is right or not found, even where a transaction was
-- undone. seq and at are those of the newest version that was cleared away.
--
-- Nothing here is STRICT: a host whose SQLite is older than 3.37 could not open
-- its own file any more.
CREATE TABLE varve_table (
  name TEXT PRIMARY KEY, declaration TEXT, edition INTEGER, generation INTEGER, horizon INTEGER,
  seq INTEGER, at INTEGER) WITHOUT ROWID;
