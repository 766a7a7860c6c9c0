package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/varvedb/varve/query"
)

// Programs that start at once make the same table in the same file: one makes
// it, and all find it made.
func TestProgramsThatMakeOneTableAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "varve.db")
	var stores []query.Store
	for range 4 {
		stores = append(stores, open(t, path).Query())
	}
	for n := range 60 {
		table := query.Table{Name: fmt.Sprint("t", n), Key: "id", Columns: []query.Column{{Name: "id", Type: query.Type{Kind: query.Text}}}}
		var all sync.WaitGroup
		start := make(chan struct{})
		for _, s := range stores {
			all.Go(func() {
				<-start
				if err := s.Create(t.Context(), table); err != nil {
					t.Errorf("%s: %v", table.Name, err)
				}
			})
		}
		close(start)
		all.Wait()
	}
}
