package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/state"
)

type stateCommand struct {
	place

	Tables  stateTables  `cmd:"" help:"List the versioned tables."`
	Show    stateShow    `cmd:"" help:"List the rows of a table, or show one."`
	History stateHistory `cmd:"" help:"List the versions of a row, newest first."`
	Retain  stateRetain  `cmd:"" help:"Forget old versions of a table; the newest of every row stays."`
}

type stateTables struct{}

// Run lists tables with their columns.
func (stateTables) Run(ctx context.Context, p *program, c *cli) error {
	return c.State.with(ctx, p, false, func(r rooms) error {
		tables, err := r.State.Tables(ctx)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, tables)
		}
		rows := [][]string{{"TABLE", "KEY", "OWNER", "COLUMNS"}}
		for _, t := range tables {
			var columns string
			for _, col := range t.Columns {
				columns += fmt.Sprintf("%s %s, ", col.Name, col.Type)
			}
			rows = append(rows, []string{t.Name, fmt.Sprint(t.Key), t.Owner, columns[:max(0, len(columns)-2)]})
		}
		return writeTable(p.stdout, rows, "no tables")
	})
}

type stateShow struct {
	Table string   `arg:"" help:"The table."`
	Keys  []string `arg:"" optional:"" name:"key" help:"The values of the row's key; write NULL for none."`
	AsOf  string   `help:"As it was at a time (2026-11-21T08:00:00Z) or a position (a number)." placeholder:"WHEN"`
}

// Run lists the rows of a table.
func (s *stateShow) Run(ctx context.Context, p *program, c *cli) error {
	return c.State.with(ctx, p, false, func(r rooms) error {
		rows, err := r.State.Open(ctx, s.Table)
		if err != nil {
			return err
		}
		latest, each := rows.Latest, rows.Each
		if s.AsOf != "" {
			at, err := pointOf(s.AsOf)
			if err != nil {
				return usage{err}
			}
			latest, each = rows.AsOf(at).Latest, rows.AsOf(at).Each
		}
		if len(s.Keys) > 0 {
			key, err := keyOf(rows.Table(), s.Keys)
			if err != nil {
				return err
			}
			one, err := latest(ctx, key...)
			if err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.stdout, one)
			}
			return p.printRows([]state.Record{one})
		}
		return p.tellRows(each(ctx, state.Query{}))
	})
}

// tellRows prints all versions of a walk.
func (p *program) tellRows(rows iter.Seq2[state.Record, error]) error {
	list := []state.Record{}
	for row, err := range rows {
		if err != nil {
			return err
		}
		list = append(list, row)
	}
	if p.json {
		return writeJSON(p.stdout, list)
	}
	return p.printRows(list)
}

func (p *program) printRows(list []state.Record) error {
	var head []string
	if len(list) > 0 {
		head = list[0].Columns
	}
	now := time.Now()
	rows := [][]string{append(slices.Clone(head), "_version", "_op", "_at")}
	for _, r := range list {
		var row []string
		for _, name := range head {
			row = append(row, cell(r.Row[name]))
		}
		rows = append(rows, append(row, strconv.FormatInt(r.Version, 10), string(r.Op), ago(now, r.At)))
	}
	return writeTable(p.stdout, used(rows), "no rows")
}

// cell is a value in a table for people.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return size(int64(len(v)))
	case json.RawMessage:
		return short(string(v), 40)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return short(fmt.Sprint(v), 40)
}

// pointOf reads a state of the past: a number is a position.
func pointOf(when string) (state.Point, error) {
	if seq, err := strconv.ParseInt(when, 10, 64); err == nil {
		return state.AtPosition(seq), nil
	}
	for _, form := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(form, when, time.Local); err == nil {
			return state.AtTime(at), nil
		}
	}
	return state.Point{}, errs.Field(errs.Invalid, "as-of", "%q is no time; write 2026-11-21T08:00:00Z, or a position", when)
}

// keyOf are the values of a row's key as a person types them.
func keyOf(t state.Table, words []string) ([]any, error) {
	key := make([]any, len(words))
	for i, w := range words {
		switch {
		case w == "NULL":
		case i < len(t.Key) && t.Columns[t.Index(t.Key[i])].Type == state.Integer:
			n, err := strconv.ParseInt(w, 10, 64)
			if err != nil {
				return nil, usage{errs.Field(errs.Invalid, t.Key[i], "%q is no integer", w)}
			}
			key[i] = n
		default:
			key[i] = w
		}
	}
	return key, nil
}

type stateHistory struct {
	Table string   `arg:"" help:"The table."`
	Keys  []string `arg:"" name:"key" help:"The values of the row's key; write NULL for none."`
}

// Run lists the versions of a row.
func (h *stateHistory) Run(ctx context.Context, p *program, c *cli) error {
	return c.State.with(ctx, p, false, func(r rooms) error {
		rows, err := r.State.Open(ctx, h.Table)
		if err != nil {
			return err
		}
		key, err := keyOf(rows.Table(), h.Keys)
		if err != nil {
			return err
		}
		return p.tellRows(walk(func(q page.Request) (page.Page[state.Record], error) { return rows.History(ctx, q, key...) }))
	})
}
