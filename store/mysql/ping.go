package mysql

import (
	"context"
	"errors"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Ping implements store.Store: whether the server answers and takes writes, in
// one round trip with a write of no row. After the server's disk refused a
// write it tries one, so that a database which cannot write says so, and does
// no more when it can again.
func (s *Store) Ping(ctx context.Context) error {
	ask := sqlcore.Query{SQL: `DO 0`}
	if s.founded.Load() {
		ask.SQL = `UPDATE varve_meta SET "value"="value" WHERE 1=0`
	}
	err := outer{s}.Run(ctx, ask)
	if errs.KindOf(err) == errs.Unsupported {
		return nil // this user is only here to read
	}
	if err != nil || !s.unwritable.Load() {
		return err
	}
	return s.probe(ctx)
}

// full tells whether a write failed since the server's disk did not take it.
func full(err error) bool { return slices.Contains([]uint16{1021, 1026, 1114}, number(err)) }

var errUndone = errors.New("undone")

// probe writes as much as a message has and undoes it.
func (s *Store) probe(ctx context.Context) error {
	err := s.attempt(ctx, nil, func(t *tx) error {
		err := t.send(ctx, sqlcore.Query{SQL: `INSERT INTO varve_meta ("key","value") VALUES (concat('probe.',uuid()),repeat('0123456789abcdef',8192))`})
		if err != nil {
			return err
		}
		return errUndone
	})
	if err == errUndone || errs.KindOf(err) == errs.Unsupported {
		s.unwritable.Store(false)
		return nil
	}
	return s.notice(err)
}
