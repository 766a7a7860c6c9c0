package dynamodb

import "github.com/varvedb/varve/component"

// Components implements store.Tx.
func (s *Store) Components() component.Store {
	return component.Unserved{Why: "DynamoDB keeps no components; open SQLite, PostgreSQL or MySQL for them, or name one with metadata"}
}
