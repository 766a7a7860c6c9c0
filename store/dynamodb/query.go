package dynamodb

import "github.com/varvedb/varve/query"

// Query implements store.Tx.
func (s *Store) Query() query.Store {
	return query.Unserved{Why: "DynamoDB is no databackend; open SQLite, PostgreSQL, MySQL, DuckDB or a folder of CSV files for tables of your own"}
}
