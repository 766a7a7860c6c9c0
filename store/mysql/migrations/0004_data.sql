-- What the tables of the databackend were declared as, in JSON: the servers know no
-- vectors and no JSON as it was written. An edition is a number drawn at random
-- when a table is made.
CREATE TABLE IF NOT EXISTS varve_data_table (
  name        VARBINARY(255) NOT NULL PRIMARY KEY,
  declaration LONGTEXT NOT NULL,
  edition     BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
