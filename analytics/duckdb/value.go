//go:build cgo && !no_duckdb

package duckdb

import (
	"encoding/json"
	"time"

	"github.com/varvedb/varve/internal/duck"
)

// value writes one value as the mirror keeps it.
func value(to *duck.Vector, row int, v any) error {
	switch x := v.(type) {
	case time.Time:
		to.Int(row, x.UnixMicro())
	case json.RawMessage:
		to.Text(row, string(x))
	default:
		return to.Any(row, v)
	}
	return nil
}
