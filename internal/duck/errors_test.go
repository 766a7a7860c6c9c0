//go:build cgo && !no_duckdb

package duck

import (
	"errors"
	"strings"
	"testing"

	"github.com/varvedb/varve/errs"
)

// Who asked is told what to do about a disk that is full, and not where it is.
func TestAFullDiskIsToldWithItsRemedy(t *testing.T) {
	for message, want := range map[string]errs.Kind{
		`IO Error: Could not write file "/secret/place": No space left on device`: errs.Unavailable,
		`IO Error: Could not write file "/secret/place": Input/output error`:      errs.Internal,
	} {
		var e *errs.Error
		err := failure(message)
		if !errors.As(err, &e) || e.Kind != want || !errors.Is(err, ErrDamaged) || strings.Contains(e.Detail, "secret") {
			t.Errorf("%s: %+v", message, err)
		}
		if full := strings.Contains(e.Detail, "free some space"); full != (want == errs.Unavailable) {
			t.Errorf("%s: it says %q", message, e.Detail)
		}
	}
}
