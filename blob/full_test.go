package blob

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/varvedb/varve/errs"
)

// Who wrote is told what to do about a disk that is full, and not where it is.
func TestAFullDiskIsToldWithItsRemedy(t *testing.T) {
	for _, no := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		cause := &fs.PathError{Op: "write", Path: "/secret/place", Err: no}
		for _, err := range []error{classify(cause, "write"), classify(refused(cause), "take a file")} {
			var e *errs.Error
			if !errors.As(err, &e) || e.Kind != errs.Unavailable || !strings.Contains(e.Detail, "free some space") || strings.Contains(e.Detail, "secret") {
				t.Errorf("%v: %+v", no, err)
			}
		}
	}
}
