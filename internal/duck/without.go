//go:build !cgo || no_duckdb

package duck

// Linked tells whether this program has DuckDB in it.
const Linked = false
