package folder

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
		var e *errs.Error
		err := unwritten(&fs.PathError{Op: "write", Path: "/secret/place", Err: no}, "docs.csv")
		if !errors.As(err, &e) || e.Kind != errs.Unavailable || e.Detail != "docs.csv cannot be written: its disk is full; free some space on it and try again" {
			t.Errorf("%v: %+v", no, err)
		}
	}
	if err := unwritten(fs.ErrClosed, "docs.csv"); strings.Contains(err.Error(), "full") {
		t.Errorf("another failure: %v", err)
	}
}
