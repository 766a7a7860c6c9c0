package state

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// Rows is the handle of a declared table. It is safe for concurrent use and
// may be kept: a change of the declaration by another program is noticed with
// the next write, else within a second.
type Rows struct {
	s      *Service
	table  *atomic.Pointer[known]
	expect int64 // 0: any version
}

// known is a Table as it was at some time.
type known struct {
	Table
	at time.Time
}

// stale is when a Table is looked up again.
const stale = time.Second

func newRows(s *Service, t Table) *Rows {
	r := &Rows{s: s, table: new(atomic.Pointer[known])}
	r.learn(t)
	return r
}

func (r *Rows) learn(t Table) *Table {
	k := &known{Table: t, at: time.Now()}
	r.table.Store(k)
	return &k.Table
}

// Table is the declaration as it was last seen.
func (r *Rows) Table() Table { return r.table.Load().Table }

// current is the table's declaration, at most a second old.
func (r *Rows) current(ctx context.Context) (*Table, error) {
	if k := r.table.Load(); time.Since(k.at) < stale {
		return &k.Table, nil
	}
	return r.refresh(ctx)
}

func (r *Rows) refresh(ctx context.Context) (*Table, error) {
	t, err := r.s.table(ctx, r.Table().Name)
	if err != nil {
		return nil, err
	}
	return r.learn(t), nil
}

// In returns the same table inside a transaction: with the State of a Tx.
func (r *Rows) In(s *Service) *Rows {
	in := *r
	in.s = s
	if s.news == nil && r.s.news != nil {
		// What is declared inside, the transaction may still take back.
		in.table = new(atomic.Pointer[known])
		in.table.Store(r.table.Load())
	}
	return &in
}

// As is [Service.As] for one table.
func (r *Rows) As(user string) *Rows { return r.In(r.s.As(user)) }

// By is [Service.By] for one table.
func (r *Rows) By(actor string) *Rows { return r.In(r.s.By(actor)) }

// If returns the table for writes that must find a row at a version, such as
// the one the caller read: any other is errs.Conflict and nothing is written.
func (r *Rows) If(version int64) *Rows {
	cas := *r
	cas.expect = version
	if version < 1 {
		cas.expect = -1
	}
	return &cas
}

// Append writes the first version of a row, or the first after its deletion.
// errs.Exists when there is a row with this key. Columns that are not given
// are NULL.
//
// What may be given: for text strings; for integer Go's integers and floats
// that are whole; for real any number but NaN and infinities; for boolean
// bool; for time time.Time, or text as in RFC 3339, cut to microseconds; for
// bytes []byte, or text in base64; for json whatever encoding/json writes, and
// json.RawMessage as it is. A json.Number is a number, pointers are what they
// point to, and nil pointers, slices and maps are NULL.
func (r *Rows) Append(ctx context.Context, row Row) (Record, error) {
	return r.one(ctx, Change{Op: OpAppend, Row: row})
}

// Update gives some columns of a row new values and leaves the others. The
// key's columns say which row. errs.NotFound when there is none. Two updates
// at once both take effect, one after the other.
func (r *Rows) Update(ctx context.Context, row Row) (Record, error) {
	return r.one(ctx, Change{Op: OpUpdate, Row: row})
}

// Replace gives all columns of a row new values: those that are not given
// become NULL. errs.NotFound when there is none.
func (r *Rows) Replace(ctx context.Context, row Row) (Record, error) {
	return r.one(ctx, Change{Op: OpUpdate, Row: row, Whole: true})
}

// Put appends a row, or updates it where there is one.
func (r *Rows) Put(ctx context.Context, row Row) (Record, error) {
	return r.one(ctx, Change{Op: OpPut, Row: row})
}

// Delete writes a tombstone: the row is gone, its history stays. key are the
// values of the key's columns. errs.NotFound when there is no row.
func (r *Rows) Delete(ctx context.Context, key ...any) (Record, error) {
	return r.one(ctx, Change{Op: OpDelete, Key: key})
}

// Restore writes the values of an older version as the newest one, of a
// deleted row too. errs.NotFound when the row never had that version,
// errs.Gone when it was compacted away, errs.Invalid when it is a deletion.
func (r *Rows) Restore(ctx context.Context, version int64, key ...any) (Record, error) {
	return r.one(ctx, Change{Op: OpRestore, Key: key, Version: version})
}

func (r *Rows) one(ctx context.Context, c Change) (Record, error) {
	out, err := r.Write(ctx, c)
	if err != nil {
		return Record{}, err
	}
	return out[0], nil
}

// Change asks for one version of a row in a [Rows.Write].
type Change struct {
	Op  Op
	Row Row   // of OpAppend, OpUpdate and OpPut: the values, the key's among them
	Key []any // of OpDelete and OpRestore: the values of the key's columns
	// Whole makes an update a replacement: what is not given becomes NULL.
	Whole   bool
	If      int64 // the version that the row must be at; 0: any
	Version int64 // of OpRestore: the version to take the values from
}

// MaxChanges bounds one Write.
const MaxChanges = 10_000

// Write makes the changes in their order, all or none: the first that fails
// ends it and nothing is written. A later one sees an earlier one. The records
// are in the same order.
func (r *Rows) Write(ctx context.Context, changes ...Change) ([]Record, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	t, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	ws, err := r.asked(t, changes)
	if err != nil {
		return nil, err
	}
	versions, err := r.s.store.Write(ctx, t.Name, ws)
	if err != nil {
		return nil, err
	}
	r.s.Nudge()
	return r.written(ctx, t, versions)
}

// written names the values of new versions, with a newer declaration where
// they are of one.
func (r *Rows) written(ctx context.Context, t *Table, versions []Version) ([]Record, error) {
	out := make([]Record, len(versions))
	for i, v := range versions {
		if !t.Describes(v) {
			var err error
			if t, err = r.refresh(ctx); err != nil {
				return nil, err
			}
		}
		out[i] = t.record(v)
	}
	return out, nil
}

// asked turns changes into what the store is asked for.
func (r *Rows) asked(t *Table, changes []Change) ([]Write, error) {
	if len(changes) > MaxChanges {
		return nil, errs.New(errs.TooLarge, "%d changes at once; at most %d", len(changes), MaxChanges)
	}
	ws := make([]Write, len(changes))
	for i, c := range changes {
		var err error
		if ws[i], err = r.ask(t, c); err != nil {
			return nil, err
		}
	}
	return ws, nil
}

// ask turns a change into what the store is asked for.
func (r *Rows) ask(t *Table, c Change) (Write, error) {
	w := Write{Op: c.Op, Whole: c.Whole, Expect: c.If, Owner: r.s.user, Actor: r.s.actor, Source: c.Version, Now: r.s.opt.Now()}
	if r.expect != 0 && w.Expect == 0 {
		w.Expect = r.expect
	}
	if w.Expect < 0 {
		return w, errs.Field(errs.Invalid, "version", "counts from 1; append a row that must not be there yet")
	}
	if err := datum.CheckText(w.Actor); err != nil || len(w.Actor) > MaxKey {
		return w, errs.Field(errs.Invalid, "actor", "must be text without NUL, of at most %d bytes", MaxKey)
	}
	var err error
	switch c.Op {
	case OpAppend, OpUpdate, OpPut:
		if w.Values, err = t.values(c.Row); err != nil {
			return w, err
		}
		w.Key, err = t.keyOfRow(w.Values)
	case OpRestore:
		if c.Version < 1 {
			return w, errs.Field(errs.Invalid, "version", "counts from 1")
		}
		w.Key, err = t.keyOf(c.Key)
	case OpDelete:
		w.Key, err = t.keyOf(c.Key)
	default:
		err = errs.Field(errs.Invalid, "op", "%q is none of append, update, put, delete, restore", string(c.Op))
	}
	return w, err
}
