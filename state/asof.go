package state

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/page"
)

// Point is a state of the past: [AtVersion], [AtPosition] or [AtTime].
type Point struct {
	kind  pointKind
	n     int64
	clock time.Time
}

type pointKind int

const (
	atPosition pointKind = iota
	atVersion
	atTime
)

// AtVersion is a row as its version of a number has it.
func AtVersion(number int64) Point { return Point{kind: atVersion, n: number} }

// AtPosition is a table just after its version at a position: [Meta].Seq.
func AtPosition(seq int64) Point { return Point{kind: atPosition, n: seq} }

// AtTime is a table as it was at a time: after its last version of that time
// or before, by the times that versions bear.
func AtTime(t time.Time) Point { return Point{kind: atTime, clock: t} }

// String names the point for people: "position 5".
func (p Point) String() string {
	switch p.kind {
	case atVersion:
		return fmt.Sprint("version ", p.n)
	case atTime:
		return "time " + p.clock.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint("position ", p.n)
}

// View is a table as of a [Point].
//
// An acting user sees in a view by position or time the rows that were the
// user's then, and by number those versions of a row of the user's that were.
type View struct {
	r  *Rows
	at Point
}

// AsOf returns the table at a point of the past. A point that was compacted
// away or cleared is errs.Gone, when it is read.
func (r *Rows) AsOf(at Point) *View { return &View{r, at} }

// Latest returns the version that was the newest of a row. errs.NotFound when
// there was no row then, or it was deleted.
func (v *View) Latest(ctx context.Context, key ...any) (Record, error) {
	if v.at.kind == atVersion {
		return v.numbered(ctx, key)
	}
	t, err := v.r.current(ctx)
	if err != nil {
		return Record{}, err
	}
	k, err := t.keyOf(key)
	if err != nil {
		return Record{}, err
	}
	seq, err := v.position(ctx, t)
	if err != nil {
		return Record{}, err
	}
	got, err := v.r.s.store.Get(ctx, t, k, seq)
	if seq == 0 {
		err = errNoRow
	}
	if known := v.r.told(ctx, seq); known != nil {
		return Record{}, known
	}
	if err == nil && (got.Op == OpDelete || !v.r.s.mine(t, got)) {
		err = errNoRow
	}
	if err != nil {
		return Record{}, err
	}
	return t.record(got), nil
}

func (v *View) numbered(ctx context.Context, key []any) (Record, error) {
	t, newest, err := v.r.newest(ctx, key)
	if err != nil {
		return Record{}, err
	}
	k, err := t.keyOf(key)
	if err != nil {
		return Record{}, err
	}
	got, err := v.r.version(ctx, t, k, newest.Number, v.at.n)
	if err == nil && got.Op == OpDelete {
		err = errNoRow
	}
	if err != nil {
		return Record{}, err
	}
	return t.record(got), nil
}

// position is the point as a position; 0 is before everything.
func (v *View) position(ctx context.Context, t *Table) (int64, error) {
	if v.at.kind == atTime {
		return v.r.s.store.Position(ctx, t, v.at.clock)
	}
	if v.at.n < 0 {
		return 0, errs.Field(errs.Invalid, "position", "is negative")
	}
	return v.at.n, nil
}

// told refuses a position whose state cannot be told any more. It is asked
// after the read: what was there before a compaction is still right.
func (r *Rows) told(ctx context.Context, seq int64) error {
	t, err := r.refresh(ctx)
	if err != nil {
		return err
	}
	if seq < t.Horizon {
		return errs.New(errs.Gone, "the state of the table %q at position %d was compacted away or cleared; it can be told from position %d on", t.Name, seq, t.Horizon)
	}
	return nil
}

// Contains tells whether there was a row.
func (v *View) Contains(ctx context.Context, key ...any) (bool, error) {
	_, err := v.Latest(ctx, key...)
	return found(err)
}

// All returns one page of the rows as they were; see [Rows.All]. errs.Invalid
// for a version, which belongs to one row.
func (v *View) All(ctx context.Context, q Query) (page.Page[Record], error) {
	return v.page(ctx, q, q.Limit())
}

// Each walks through all rows as they were; see [Rows.Each].
func (v *View) Each(ctx context.Context, q Query) iter.Seq2[Record, error] {
	return each(q, func(q Query) (page.Page[Record], error) { return v.page(ctx, q, walk) })
}

func (v *View) page(ctx context.Context, q Query, limit int) (page.Page[Record], error) {
	none := page.Page[Record]{Data: []Record{}}
	if v.at.kind == atVersion {
		return none, errs.Field(errs.Invalid, "version", "belongs to one row; list a table as of a position or a time")
	}
	t, err := v.r.current(ctx)
	if err != nil {
		return none, err
	}
	out, seq, err := v.r.scan(ctx, t, moment{v.at.String(), v.position}, q, limit)
	if err != nil {
		return none, err
	}
	if err := v.r.told(ctx, seq); err != nil {
		return none, err
	}
	return out, nil
}
