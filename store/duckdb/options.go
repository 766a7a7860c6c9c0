package duckdb

import (
	"log/slog"
)

// Suffix is what the file beside is called after DuckDB's.
const Suffix = ".varve.db"

// Options tune Open. The zero value works.
type Options struct {
	// Memory is how many bytes the engine's buffers may take; what needs more goes
	// to a folder beside the file. Default: 1 GiB.
	Memory int64
	Log    *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Memory <= 0 {
		o.Memory = 1 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
