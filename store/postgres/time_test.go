package postgres_test

import (
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
)

// The server reads times of other writers as chat.NormalTime does.
func TestTimesAreReadAsInGo(t *testing.T) {
	url := pgtest.New(t)
	open(t, url).Chat().Features() // makes the functions
	c := connect(t, url)
	for _, s := range []string{
		"2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.123456789Z",
		"2026-01-02T03:04:05", "2026-01-02 03:04:05", "2026-01-02T03:04:05.1", "2026-01-02T03:04", "2026-01-02 03:04",
		"2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05.25-11:30", "2026-01-02 03:04:05+00", "2026-01-02 03:04:05.5+0530",
		"2026-12-31T23:59:59-01:00", "2024-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-02T03:04:05z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-02T24:00:00Z",
		"2026-01-02T03:60:00Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04Z", "2026-01-02", "", "now", "1767323045", "2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05 Z", " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05Zx", "'; DROP TABLE users; --", "２０２６-01-02T03:04:05Z",
		"1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
	} {
		want, _ := chat.NormalTime(s)
		var got string
		if err := c.QueryRow(t.Context(), `SELECT coalesce(varve_utc($1), '')`, s).Scan(&got); err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got != want {
			t.Errorf("%q is %q to the server and %q in Go", s, got, want)
		}
	}
}
