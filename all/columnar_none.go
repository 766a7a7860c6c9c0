//go:build !cgo || no_duckdb

package all

import "github.com/varvedb/varve"

// columnar is nil: databases are asked themselves.
func columnar() varve.Columnar { return nil }
