package lake

import (
	"context"
	"errors"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

// Swept is what a [Service.Sweep] freed.
type Swept struct {
	Contents int   `json:"contents"`
	Bytes    int64 `json:"bytes"`

	young bool // some bytes were kept so short ago that nothing can be said yet
}

// Unused tells what a [Service.Sweep] would free.
func (s *Service) Unused(ctx context.Context) (Swept, error) {
	var would Swept
	if s.user != nil {
		return would, errNotSweeping
	}
	unused, _, err := s.unused(ctx)
	for _, c := range unused {
		if s.reaches(c) {
			would.Contents++
			would.Bytes += c.Value.Size
		}
	}
	return would, err
}

var errNotSweeping = errs.New(errs.Forbidden, "only a caller that acts for no user may sweep")

// Sweep frees bytes that no version of any file has: of writes that failed, and
// of versions that were cleared or compacted away. What was kept less than
// [Grace] ago stays, since its file may be about to be written. It walks through
// the whole history, and may run while others write. errs.Forbidden when acting
// for a user.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	var done Swept
	if s.user != nil {
		return done, errNotSweeping
	}
	unused, young, err := s.unused(ctx)
	if err != nil {
		return done, err
	}
	done.young = young
	for _, c := range unused {
		freed, err := s.free(ctx, c)
		if err != nil {
			return done, err
		}
		if freed {
			done.Contents++
			done.Bytes += c.Value.Size
		}
	}
	if done.Contents == 0 {
		return done, nil
	}
	return done, s.forget(ctx)
}

// unused returns what is older than Grace and has no file, and whether there is
// anything younger.
func (s *Service) unused(ctx context.Context) (found map[string]state.RecordOf[content], young bool, err error) {
	found = map[string]state.RecordOf[content]{}
	for q := (state.Query{Request: page.Request{First: 16}}); ; { // few, since each may have Inline bytes
		some, err := s.contents.All(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, c := range some.Data {
			if c.Value.Data = nil; s.opt.Now().Sub(c.At) > Grace {
				found[c.Value.Hash] = c
			} else {
				young = true
			}
		}
		if !some.Info.HasNextPage {
			break
		}
		q.Cursor = *some.Info.EndCursor
	}
	if len(found) == 0 {
		return found, young, nil
	}
	return found, young, s.used(ctx, func(hash string) { delete(found, hash) })
}

// used tells the hashes that versions of files have.
func (s *Service) used(ctx context.Context, tell func(hash string)) error {
	for f, err := range s.files.Each(ctx, state.Query{Deleted: true}) {
		if err != nil {
			return err
		}
		for r := (page.Request{First: page.MaxFirst}); ; {
			versions, err := s.files.History(ctx, r, f.Value.UserID, f.Value.Path, f.Value.Filename)
			if err != nil {
				return err
			}
			for _, v := range versions.Data {
				tell(v.Value.Hash)
			}
			if !versions.Info.HasNextPage {
				break
			}
			r.Cursor = *versions.Info.EndCursor
		}
	}
	return nil
}

// reaches tells whether bytes can be freed: those in a bucket need it open.
func (s *Service) reaches(c state.RecordOf[content]) bool {
	return c.Value.Place == nil || s.opt.Bucket != nil
}

// free forgets that bytes are kept, and then removes them from the bucket. A
// write that wants to keep the same ones made a newer version before, or does
// not find them any more.
func (s *Service) free(ctx context.Context, c state.RecordOf[content]) (bool, error) {
	if !s.reaches(c) {
		return false, nil
	}
	_, err := s.contents.If(c.Version).Delete(ctx, c.Value.Hash)
	if errors.Is(err, errs.Conflict) || errors.Is(err, errs.NotFound) {
		return false, nil
	}
	if err == nil && c.Value.Place != nil {
		err = s.opt.Bucket.Delete(ctx, *c.Value.Place)
	}
	return err == nil, err
}

// forget takes the bytes of deleted rows out of the database.
func (s *Service) forget(ctx context.Context) error {
	rows, err := s.contents.Rows(ctx)
	if err != nil {
		return err
	}
	head, err := rows.Head(ctx)
	if err != nil {
		return err
	}
	_, err = rows.Compact(ctx, head.Seq)
	return err
}
