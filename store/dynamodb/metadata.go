package dynamodb

import "github.com/varvedb/varve/artifact"

// Artifacts implements store.Tx.
func (s *Store) Artifacts() artifact.Index { return artifact.Unserved{Engine: "DynamoDB"} }
