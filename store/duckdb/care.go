//go:build cgo && !no_duckdb

package duckdb

import (
	"context"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
)

// leavings is what Scrub leaves in the DuckDB file.
const leavings = "free blocks of the DuckDB file, where deleted rows of your own tables stay until others take their place: export the tables into a new file"

// Scrub implements store.Scrubber, for the file beside: what it keeps is what is
// erased. Rows of the user's own tables are not.
func (s *Store) Scrub(ctx context.Context) (done, beyond []string, err error) {
	if b, ok := s.Store.(store.Scrubber); ok {
		done, beyond, err = b.Scrub(ctx)
	}
	return done, append(beyond, leavings), err
}

// Examine implements store.Doctor: nothing is ever missing.
func (s *Store) Examine(context.Context) (store.Diagnosis, error) {
	return store.Diagnosis{Schema: "varve"}, nil
}

// Mend implements store.Doctor.
func (s *Store) Mend(context.Context) error { return nil }

// Remove implements store.Doctor: what Varve added to the file goes, and the
// tables of the user stay.
func (s *Store) Remove(context.Context) error {
	return errs.New(errs.Unsupported, "drop the tables varve_change, varve_data_table and varve_meta with DuckDB's own program, and delete the file beside it, *%s", Suffix)
}
