package sqlite

import (
	"context"

	"github.com/varvedb/varve/store"
)

// Examine implements store.Doctor.
func (s *Store) Examine(ctx context.Context) (store.Diagnosis, error) { return store.Diagnosis{}, nil }

// Mend implements store.Doctor.
func (s *Store) Mend(ctx context.Context) error { return nil }

// Remove implements store.Doctor.
func (s *Store) Remove(ctx context.Context) error { return nil }
