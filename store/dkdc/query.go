package dkdc

import "github.com/varvedb/varve/query"

// Query implements store.Tx.
func (s *Store) Query() query.Store { return unserved }

func (inside) Query() query.Store { return unserved }

var unserved = query.Unserved{Why: "a file of dkdc's is no databackend; open SQLite, PostgreSQL, MySQL, DuckDB or a folder of CSV files for tables of your own"}
