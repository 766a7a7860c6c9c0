//go:build cgo && !no_duckdb

package duck

import "sync"

// ceilings are the shares of the databases that are open: together they bound
// what the engine takes beside Go's own memory.
var ceilings struct {
	sync.Mutex
	sum int64
}

// share adds to the ceiling, or with a negative number takes from it.
func share(bytes int64) {
	ceilings.Lock()
	defer ceilings.Unlock()
	ceilings.sum += bytes
	setCeiling(ceilings.sum)
}
