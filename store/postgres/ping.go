package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Ping implements store.Store: whether the server answers and takes writes, in
// one round trip that writes nothing. After the server's disk refused a write
// it tries one, so that a database which cannot write says so, and does no more
// when it can again.
func (s *Store) Ping(ctx context.Context) error {
	closed := false
	err := s.direct().write(ctx, sqlcore.Query{
		SQL:  `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')='on'`,
		Each: func(r sqlcore.Row) error { closed = r.(row).flag(0); return nil }})
	if err != nil {
		return err
	}
	if closed {
		kind, detail := kindOf(readOnly)
		return errs.New(kind, "%s", detail)
	}
	if !s.unwritable.Load() {
		return nil
	}
	return s.probe(ctx)
}

// readOnly is the code of a write that the server is not there for.
const readOnly = "25006"

// full tells whether a write failed since the server's disk did not take it.
func full(err error) bool {
	c := code(err)
	return c == "53100" || c == "58030"
}

var errUndone = errors.New("undone")

// probe makes a table, as much larger than a message as makes a file grow, and
// undoes it. A role that may not make one is believed to write again.
func (s *Store) probe(ctx context.Context) error {
	name := sqlcore.Quote("varve_probe_" + strings.ToLower(rand.Text()))
	err := s.attempt(ctx, nil, func(in inner) error {
		for _, sql := range []string{`CREATE TABLE ` + name + ` (value TEXT)`,
			`INSERT INTO ` + name + ` SELECT string_agg(md5(random()::text),'') FROM generate_series(1,4096)`} {
			if err := in.Run(ctx, sqlcore.Query{SQL: sql}); err != nil {
				return err
			}
		}
		return errUndone
	})
	if err == errUndone || code(err) == "42501" {
		s.unwritable.Store(false)
		return nil
	}
	return err
}
