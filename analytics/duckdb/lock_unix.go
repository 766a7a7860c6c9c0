//go:build cgo && !no_duckdb && unix

package duckdb

import (
	"errors"
	"os"
	"syscall"

	"github.com/varvedb/varve/errs"
)

// lock says that the mirror's file is this process's. The kernel lets go when
// the process ends, however it ends.
type lock struct{ file *os.File }

// lockFile returns nil when another has it.
func lockFile(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "there is no place for the mirror")
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &lock{f}, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, errs.Wrap(errs.Unavailable, err, "the mirror cannot be locked")
}

func (l *lock) release() {
	if l != nil {
		l.file.Close()
	}
}
