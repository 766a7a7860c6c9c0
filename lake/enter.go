package lake

import (
	"context"
	"errors"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

// Entry is a file that is to be new among the others, of which the bytes are
// kept already: an appended one, or one that Undo brings back.
type Entry struct {
	File  File   // of Undo the name and the user
	Undo  bool   // take back the newest change, in place of appending
	If    int64  // the version that the file must be at; 0: any
	Actor string // whom the version names as its author
}

// Enter makes an entry. It is what a lake asks for that stands on the tables of
// a server, where no transaction spans two calls. errs.Invalid when the bytes
// are not kept; else as for [Service.Append] and [Service.Undo].
func (s *Service) Enter(ctx context.Context, e Entry) (Record, error) {
	s = s.of(e.File)
	if e.Actor != "" {
		s = s.By(e.Actor)
	}
	if e.If != 0 {
		s = s.If(e.If)
	}
	f := e.File
	if f.UserID == nil {
		f.UserID = s.user
	} else if *f.UserID != *s.user {
		return Record{}, errNotAnothers
	}
	if e.Undo {
		return s.enter(ctx, Entry{File: f, Undo: true})
	}
	if err := f.Name().check(); err != nil {
		return Record{}, err
	}
	if kept, err := s.contents.Contains(ctx, f.Hash); err != nil || !kept {
		return Record{}, errors.Join(err, errs.Field(errs.Invalid, "hash", "is of no bytes that are kept here"))
	}
	if f.ID == "" {
		f.ID = s.newID()
	}
	return s.enter(ctx, Entry{File: f})
}

// enter makes sure that no file system would have to show a file and a folder
// of one name, and makes the file: in one transaction, where there is one. It
// begins with a mark, by which writers of other files in other processes wait
// for it, so that what it then sees is all there is.
func (s *Service) enter(ctx context.Context, e Entry) (Record, error) {
	if s.opt.Enter != nil {
		e.If, e.Actor = s.expect, s.actor
		return s.opt.Enter(ctx, e)
	}
	if s.opt.Update == nil {
		return s.entered(ctx, e, false)
	}
	// What a transaction declares, others wait for.
	_, first := s.files.Rows(ctx)
	_, second := s.folders.Rows(ctx)
	if err := errors.Join(first, second); err != nil {
		return Record{}, err
	}
	var done Record
	err := s.opt.Update(ctx, func(ctx context.Context, tx state.Database) (err error) {
		in := *s
		in.files, in.folders = s.files.Inside(tx.State()), s.folders.Inside(tx.State())
		done, err = in.entered(ctx, e, true)
		return err
	})
	if errors.Is(err, errs.Unsupported) {
		return s.entered(ctx, e, false) // this database has transactions for other rooms only
	}
	return done, err
}

func (s *Service) entered(ctx context.Context, e Entry, locked bool) (Record, error) {
	n := e.File.Name()
	if err := s.mark(ctx, n.folders(), locked); err != nil {
		return Record{}, err
	}
	if err := s.room(ctx, n); err != nil {
		return Record{}, err
	}
	if e.Undo {
		return s.files.Undo(ctx, s.key(n)...)
	}
	return s.files.Append(ctx, e.File)
}

var errNotAnothers = errs.Field(errs.Forbidden, "user_id", "a file cannot be made another user's")
