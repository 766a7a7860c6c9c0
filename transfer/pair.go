package transfer

import (
	"context"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// pair is the same threads of both sides.
type pair struct{ ours, theirs []chat.Thread }

// read hands out the source's threads in their order, with the destination's.
func (v *verifier) read(ctx context.Context, out chan<- pair) error {
	page := firstThreads
	for after := ""; ; {
		list, next, err := ids(ctx, v.from, v.Since, after, page)
		if err != nil {
			return err
		}
		heaviest := 0
		for len(list) > 0 {
			part := list[:min(len(list), page)]
			list = list[len(part):]
			p, err := v.both(ctx, part)
			if err != nil {
				return err
			}
			weight := 0
			for i := range p.ours {
				weight += weigh(&p.ours[i])
			}
			heaviest = max(heaviest, weight)
			select {
			case out <- p:
			case <-ctx.Done():
				return errs.Wrap(errs.Unavailable, ctx.Err(), "the comparison was given up")
			}
		}
		if after = next; after == "" {
			return nil
		}
		page = paced(page, heaviest)
	}
}

// both reads some threads from both sides at the same time.
func (v *verifier) both(ctx context.Context, ids []string) (p pair, err error) {
	there := make(chan error, 1)
	go func() {
		var err error
		p.theirs, err = v.b.Whole(ctx, ids)
		there <- err
	}()
	p.ours, err = v.a.Whole(ctx, ids)
	if failed := <-there; err == nil {
		err = failed
	}
	return p, err
}
