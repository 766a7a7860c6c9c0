package artifact

import (
	"context"
	"errors"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Several nodes may share an index, while a folder is on one machine. So the
// first node that keeps anything in one keeps a mark there, as an artifact like
// any other: who does not find its bytes has another folder.
const (
	homeMark = "the home of these artifacts\n"
	homeType = "application/vnd.varve.home"
	// home is the digest of the mark.
	home Digest = "e9e861051295e76f3aac595dfcb3e34b63a65292424a01e6064a5e49871ff753"
)

// ErrApart marks the error of a node that has a folder of its own.
var ErrApart = errors.New("another node keeps them")

func apart() error {
	return &errs.Error{Kind: errs.Unsupported, Err: ErrApart, Detail: "the artifacts of this database lie in a folder of another machine, and a folder here would split them; " +
		"move that one to a place which all nodes reach, such as a bucket or a shared file system, and name it with --artifacts on each"}
}

// AtHome tells whether the bucket is the one that the index is about: always,
// unless [Options.Local] is set. errs.Unsupported: it is that of another node.
// It changes nothing.
func (s *Store) AtHome(ctx context.Context) error {
	if !s.opt.Local || s.athome.Load() {
		return nil
	}
	e, err := s.index.Entry(ctx, home)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	body, err := s.bucket.Open(ctx, e.Place)
	if errors.Is(err, errs.NotFound) {
		return apart()
	}
	if err != nil {
		return err
	}
	s.athome.Store(true)
	return body.Close()
}

// settle is AtHome before something is kept. Of several nodes that begin at
// once one has its mark in the index.
func (s *Store) settle(ctx context.Context) error {
	if err := s.AtHome(ctx); err != nil || !s.opt.Local || s.athome.Load() {
		return err
	}
	if _, err := s.keep(ctx, home, strings.NewReader(homeMark), homeType, nil); err != nil {
		return err
	}
	return s.AtHome(ctx)
}
