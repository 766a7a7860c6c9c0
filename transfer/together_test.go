package transfer_test

import (
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/internal/pgtest"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/memory"
	"github.com/varvedb/varve/store/sqlite"
	"github.com/varvedb/varve/transfer"
)

// TestImportsAtOnce imports one archive twice, and copies its source, at the
// same time into one database, as processes do that do not know of each other.
// All end well, and all is there once.
func TestImportsAtOnce(t *testing.T) {
	source := side(t, "source", memory.Open())
	fill(t, source)
	path := filepath.Join(t.TempDir(), "lines")
	export(t, source, path, forms["lines"])
	for name, open := range map[string]func(t *testing.T) func() store.Store{
		"sqlite": func(t *testing.T) func() store.Store {
			file := filepath.Join(t.TempDir(), "varve.db")
			return func() store.Store {
				st, err := sqlite.Open(t.Context(), file, sqlite.Options{Relaxed: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { st.Close() })
				return st
			}
		},
		"postgres": func(t *testing.T) func() store.Store {
			url := pgtest.New(t)
			return func() store.Store { return openPostgres(t, url) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			again := open(t)
			bytes := files(t)
			to := func() transfer.Side { return transfer.Side{Name: "to", Store: again().Chat(), Files: bytes} }
			here := transfer.Options{Addresses: func(thread, element string) string { return "https://here/" + thread + "/" + element }}
			jobs := []*transfer.Copy{
				{From: read(t, path).Side(), To: to(), Keep: true, Options: here},
				{From: read(t, path).Side(), To: to(), Keep: true, Options: here},
				{From: source, To: to(), Options: here},
			}
			ended := make(chan error, len(jobs))
			for _, job := range jobs {
				go func() { ended <- job.Run(t.Context()) }()
			}
			for range jobs {
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}
			for _, job := range jobs {
				if job.Refusals+job.Missing+job.Differ > 0 {
					t.Errorf("refused %q, differing %q, missing %d", job.Refused, job.Differing, job.Missing)
				}
			}
			v, err := transfer.Verify(t.Context(), source, to(), here)
			if err != nil || v.Different != 0 || v.FromHash != v.ToHash || v.From != v.To || v.More != 0 {
				t.Errorf("there are %+v %v", v, err)
			}
		})
	}
}
