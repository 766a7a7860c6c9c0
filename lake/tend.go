package lake

import (
	"context"
	"errors"
	"time"

	"github.com/varvedb/varve/errs"
)

// Tend sweeps until ctx ends: a first time soon, then at intervals. Where
// nothing can have become unused since the last time, and where no file was ever
// kept, it looks and no more. tell is called after each time, with what was
// freed.
func (s *Service) Tend(ctx context.Context, soon, every time.Duration, tell func(Swept, error)) {
	timer := time.NewTimer(soon)
	defer timer.Stop()
	var last look
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		var freed Swept
		now, err := s.look(ctx)
		if err == nil && now != last {
			last = look{}
			if freed, err = s.Sweep(ctx); err == nil && !freed.young {
				last, err = s.look(ctx)
			}
		}
		if ctx.Err() != nil {
			return
		}
		tell(freed, err)
		timer.Reset(every)
	}
}

// look is what has to change before something becomes unused: bytes that are
// kept and then get no file, or versions of files that are forgotten.
type look struct{ contents, generation, horizon int64 }

// look looks. The zero value is a lake that was never used.
func (s *Service) look(ctx context.Context) (now look, err error) {
	contents, err := s.tables.Open(ctx, ContentTable)
	if errors.Is(err, errs.NotFound) || errors.Is(err, errs.Unsupported) {
		return now, nil
	}
	if err != nil {
		return now, err
	}
	files, err := s.tables.Open(ctx, Table)
	if err != nil {
		return now, err
	}
	head, err := contents.Head(ctx)
	t := files.Table()
	return look{head.Seq, t.Generation, t.Horizon}, err
}
