-- What the tables of the databackend were declared as, in JSON: SQLite itself
-- knows no vectors and no JSON. An edition is a number drawn at random.
CREATE TABLE varve_data_table (
  name TEXT PRIMARY KEY, declaration TEXT, edition INTEGER) WITHOUT ROWID;
