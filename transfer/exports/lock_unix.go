//go:build unix

package exports

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/varvedb/varve/errs"
)

// lock keeps other processes out until it is undone; the kernel lets go when
// this one ends, however it ends.
func lock(ctx context.Context, path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unread(err)
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(unread(err), f.Close())
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, errors.Join(errs.Wrap(errs.Unavailable, ctx.Err(), "another erasure goes through the exports"), f.Close())
		}
	}
}
