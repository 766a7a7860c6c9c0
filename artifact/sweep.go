package artifact

import (
	"context"
	"errors"
	"time"

	"github.com/varvedb/varve/errs"
)

// Swept is what a [Store.Sweep] freed.
type Swept struct {
	Artifacts int   `json:"artifacts"`
	Bytes     int64 `json:"bytes"`
}

// page is how much a sweep asks the index for at a time.
const page = 200

// longest is how long a write may take: what is noted longer ago was given up.
const longest = 24 * time.Hour

// Sweep frees bytes that nobody has named for Grace, and what writes left
// behind that did not come to their end. With dry it only counts. It may run
// while others write, in several processes at once. The parts of a folder go
// with a later round than the folder, which is in the same call.
func (s *Store) Sweep(ctx context.Context, dry bool) (Swept, error) {
	var done Swept
	if err := s.AtHome(ctx); err != nil {
		return done, err
	}
	before := s.opt.Now().Add(-s.opt.Grace)
	used, err := s.used(ctx)
	if err != nil {
		return done, err
	}
	for { // each round may leave parts that nobody needs any more
		freed := 0
		for after := Digest(""); ; {
			entries, err := s.index.Unused(ctx, before, after, page)
			if err != nil {
				return done, err
			}
			for _, e := range entries {
				after = e.Digest
				if used[e.Digest] {
					continue
				}
				gone, err := s.free(ctx, e, dry)
				if err != nil {
					return done, err
				}
				if gone {
					freed++
					done.Artifacts++
					done.Bytes += e.Size
				}
			}
			if len(entries) < page {
				break
			}
		}
		if freed == 0 || dry {
			break
		}
	}
	if dry {
		return done, nil
	}
	return done, s.leftovers(ctx)
}

// used are the digests that are named outside the index.
func (s *Store) used(ctx context.Context) (map[Digest]bool, error) {
	used := map[Digest]bool{home: true}
	if s.opt.Used == nil {
		return used, nil
	}
	return used, s.opt.Used(ctx, func(d Digest) { used[d] = true })
}

// free forgets bytes and then removes them. Whoever wants them kept meanwhile
// touches the entry, or finds it gone and stores them again elsewhere.
func (s *Store) free(ctx context.Context, e Entry, dry bool) (bool, error) {
	if dry {
		return true, nil
	}
	err := s.index.Forget(ctx, e, s.opt.Now())
	if errors.Is(err, errs.Conflict) || errors.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, s.discard(ctx, e.Place)
}

// leftovers removes what lies at places whose notes are old.
func (s *Store) leftovers(ctx context.Context) error {
	for {
		notes, err := s.index.Doom(ctx, s.opt.Now().Add(-max(s.opt.Grace, longest)), page)
		if err != nil || len(notes) == 0 {
			return err
		}
		for _, n := range notes {
			if err := s.discard(ctx, n.Place); err != nil {
				return err
			}
		}
	}
}
