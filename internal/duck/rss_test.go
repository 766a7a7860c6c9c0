//go:build cgo && !no_duckdb

package duck

import (
	"syscall"
	"testing"
)

// rss is the most memory that was ever resident.
func rss(t *testing.T) int64 {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return int64(u.Maxrss) * 1024
}
