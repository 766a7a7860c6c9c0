//go:build cgo && !no_duckdb && unix

package duck

import (
	"errors"
	"os"
	"syscall"

	"github.com/varvedb/varve/errs"
)

// Lock says that a file is this process's. The kernel lets go when
// the process ends, however it ends.
type Lock struct{ file *os.File }

// LockFile takes the lock that a file of its own stands for. held: another has
// it, in this process or in another.
func LockFile(path string) (l *Lock, held bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, errs.Wrap(errs.Unavailable, err, "the lock file cannot be made")
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &Lock{f}, false, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, true, nil
	}
	return nil, false, errs.Wrap(errs.Unavailable, err, "the file cannot be locked")
}

// Release gives it back. It may be called on nil.
func (l *Lock) Release() {
	if l != nil {
		l.file.Close()
	}
}

// Locked tells whether another process has a lock on a file, as the engine of
// one that has it open does.
func Locked(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	l := syscall.Flock_t{Type: syscall.F_WRLCK}
	return syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &l) == nil && l.Type != syscall.F_UNLCK
}
