-- What the tables of the databackend were declared as, in JSON: PostgreSQL knows
-- no vectors and no files. An edition is a number drawn at random when a table is
-- made, so that whoever remembers one notices that it is another now.
CREATE TABLE :varve.varve_data_table (
  name        TEXT COLLATE "C" PRIMARY KEY,
  declaration TEXT NOT NULL,
  edition     BIGINT NOT NULL
);
