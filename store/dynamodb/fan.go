package dynamodb

import (
	"context"
	"sync"

	"github.com/varvedb/varve/errs"
)

// fan is how many requests of one call are under way at once.
const fan = 16

// each runs fn for 0…n-1, some at once, and waits for all. It returns the first
// error, after which it begins no more.
func each(ctx context.Context, n int, fn func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	free := make(chan struct{}, fan)
	for i := range n {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-free }()
			if err := fn(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && errs.KindOf(err) != errs.Internal {
		return err
	} else if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the call was given up")
	}
	return nil
}
