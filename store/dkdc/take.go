package dkdc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/sqlite"
)

// mark is the newest row of a table of dkdc's that was taken over: its number,
// and what tells it from another one under that number after a _clear.
type mark struct {
	row   int64
	print string
}

func (m mark) String() string { return strconv.FormatInt(m.row, 10) + " " + m.print }

func readMark(text string) (m mark) {
	row, print, _ := strings.Cut(text, " ")
	m.row, _ = strconv.ParseInt(row, 10, 64)
	m.print = print
	return m
}

func noteOf(t *table) string { return "dkdc." + t.name }

func printOf(row sqlite.GuestRow) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", row.Values))
	return hex.EncodeToString(sum[:8])
}

// page is how many rows are taken over in one transaction.
const page = 500

// take takes the rows over that dkdc appended, and forgets everything where
// its _clear did. It returns the mark after it. The lock is held.
func (s *Store) take(ctx context.Context, t *table, declared *state.Table) (mark, error) {
	guest := t.in(s.Store)
	text, err := sqlite.Noted(ctx, s.beside, noteOf(t))
	if err != nil {
		return mark{}, err
	}
	m := readMark(text)
	if there, err := guest.Present(ctx); err != nil || !there {
		return m, cmpErr(err, errs.New(errs.NotFound, "there is no table %q of dkdc's in this file", t.name))
	}
	if t.needs != nil {
		if _, err := s.beside.State().Declare(ctx, *t.needs); err != nil {
			return m, err
		}
	}
	cleared, err := s.cleared(ctx, guest, m)
	if err != nil {
		return m, err
	}
	if cleared {
		if err := s.beside.State().Clear(ctx, []string{t.name}); err != nil {
			return m, err
		}
		m = mark{}
	}
	for {
		rows, err := guest.Rows(ctx, m.row+1, page)
		if err != nil || len(rows) == 0 {
			return m, err
		}
		s.warn(t)
		last := mark{rows[len(rows)-1].ID, printOf(rows[len(rows)-1])}
		if err := s.takeRows(ctx, t, declared, rows, last); err != nil {
			return m, err
		}
		m = last
	}
}

// cleared tells whether the newest row that was taken over is there no more.
func (s *Store) cleared(ctx context.Context, guest sqlite.Guest, m mark) (bool, error) {
	if m.row == 0 {
		return false, nil
	}
	rows, err := guest.Rows(ctx, m.row, 1)
	return err == nil && (len(rows) == 0 || rows[0].ID != m.row || printOf(rows[0]) != m.print), err
}

// warn says once that somebody else writes.
func (s *Store) warn(t *table) {
	if s.seen && !s.warned {
		s.warned = true
		s.log.Warn("another program wrote to this file while it is open; use it in turns, since dkdc's process drops its own locks", "table", t.name)
	}
}

func (s *Store) takeRows(ctx context.Context, t *table, declared *state.Table, rows []sqlite.GuestRow, last mark) error {
	return s.beside.Update(ctx, func(ctx context.Context, tx store.Tx) error {
		for _, row := range rows {
			if err := takeRow(ctx, tx, t, declared, row); err != nil {
				return err
			}
		}
		return sqlite.Note(ctx, tx, noteOf(t), last.String())
	})
}

// takeRow writes a row of dkdc's as a version.
func takeRow(ctx context.Context, tx store.Tx, t *table, declared *state.Table, row sqlite.GuestRow) error {
	named := t.named(row.Values)
	at, known := timeOf(named["idx"])
	if !known {
		at = time.UnixMicro(0).UTC() // the log's own order puts it behind the one before
	}
	values, before, err := t.row(named)
	if err != nil {
		return err
	}
	if before != nil {
		w := state.Write{Op: state.OpAppend, Key: before.key, Values: before.values, Now: at}
		if _, err := tx.State().Write(ctx, before.table, []state.Write{w}); err != nil && !errors.Is(err, errs.Exists) {
			return err
		}
	}
	all := make([]any, len(declared.Columns))
	for i, c := range declared.Columns {
		all[i] = value(c.Type, values[c.Name])
		values[c.Name] = all[i]
	}
	key, err := declared.RowKey(all)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "row %d of %q has no id", row.ID, t.name)
	}
	w := state.Write{Op: state.OpPut, Key: key, Values: values, Whole: true, Now: at, Actor: "dkdc"}
	_, err = tx.State().Write(ctx, t.name, []state.Write{w})
	return err
}

// taken brings the file beside up to date for one of dkdc's tables.
func (s *Store) taken(ctx context.Context, t *table) (mark, error) {
	all, err := s.beside.State().Tables(ctx)
	if err != nil {
		return mark{}, err
	}
	i := slices.IndexFunc(all, func(have state.Table) bool { return strings.EqualFold(have.Name, t.name) })
	if i < 0 {
		return mark{}, state.NoTable(t.name)
	}
	m, err := s.take(ctx, t, &all[i])
	s.seen = s.seen || err == nil
	return m, err
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
