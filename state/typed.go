package state

import (
	"context"
	"github.com/varvedb/varve/internal/datum"
	"iter"
	"sync/atomic"

	"github.com/varvedb/varve/page"
)

// Database is whatever versioned tables are kept in: an open database, a
// transaction of one, or a [Service].
type Database interface {
	// State is the room of versioned tables, never nil.
	State() *Service
}

// RowsOf is a table whose rows are values of a Go struct. It writes the
// columns that the struct has, so that those of a newer program stay.
type RowsOf[T any] struct {
	s      *Service
	name   string
	fields *fields
	rows   *atomic.Pointer[Rows] // nil until the table is declared, at the first use
	expect int64
}

// TableOf describes a table by a struct, which it declares at its first use
// (see [Service.Declare]). Fields become columns in their order; their tags
// say the rest:
//
//	type Todo struct {
//		ID     string     `state:"id,key"`           // name, part of the key
//		User   *string    `state:"user_id,owner"`    // pointers can be NULL
//		Body   string     `state:"body,was=text"`    // the column was called text
//		Due    time.Time  `state:"due,null"`         // the zero value is NULL
//		Labels []string                              // a column "labels" of JSON
//		cached string     `state:"-"`                // no column
//	}
//
// Without a name the field's own is used, UserID as user_id. Strings, and what
// marshals itself as text, are text; integers, floats, bool, time.Time and
// []byte are what they are; everything else is JSON. Embedded structs give
// their fields. NULL is read as the zero value.
//
// errs.Invalid when T is no such struct.
func TableOf[T any](db Database, name string) (*RowsOf[T], error) {
	f, err := fieldsOf[T](name)
	if err != nil {
		return nil, err
	}
	return &RowsOf[T]{s: db.State(), name: name, fields: f, rows: new(atomic.Pointer[Rows])}, nil
}

// RecordOf is one version of a row as a Go value.
type RecordOf[T any] struct {
	Meta
	Value T
}

// Rows is the untyped handle of the table, which it declares first.
func (r *RowsOf[T]) Rows(ctx context.Context) (*Rows, error) {
	rows := r.rows.Load()
	if rows == nil {
		var err error
		if rows, err = r.s.Declare(ctx, r.fields.schema); err != nil {
			return nil, err
		}
		if r.s.news != nil { // what a transaction declared, it may still take back
			r.rows.Store(rows)
		}
	}
	mine := rows.In(r.s)
	mine.expect = r.expect
	return mine, nil
}

// In returns the same table inside a transaction: with the State of a Tx.
func (r *RowsOf[T]) In(s *Service) *RowsOf[T] {
	in := *r
	in.s = s
	return &in
}

// Inside returns the same table inside a transaction, still acting for whom it
// acts and expecting what it expects.
func (r *RowsOf[T]) Inside(tx *Service) *RowsOf[T] { return r.In(r.s.In(tx.store)) }

// As is [Service.As] for one table.
func (r *RowsOf[T]) As(user string) *RowsOf[T] { return r.In(r.s.As(user)) }

// By is [Service.By] for one table.
func (r *RowsOf[T]) By(actor string) *RowsOf[T] { return r.In(r.s.By(actor)) }

// If is [Rows.If].
func (r *RowsOf[T]) If(version int64) *RowsOf[T] {
	cas := *r
	cas.expect = (&Rows{}).If(version).expect
	return &cas
}

// Append is [Rows.Append].
func (r *RowsOf[T]) Append(ctx context.Context, v T) (RecordOf[T], error) {
	return r.write(ctx, v, (*Rows).Append)
}

// Put is [Rows.Put]; it gives all columns that T has new values.
func (r *RowsOf[T]) Put(ctx context.Context, v T) (RecordOf[T], error) {
	return r.write(ctx, v, (*Rows).Put)
}

// Replace gives all columns that T has new values. errs.NotFound when there is
// no row.
func (r *RowsOf[T]) Replace(ctx context.Context, v T) (RecordOf[T], error) {
	return r.write(ctx, v, (*Rows).Update)
}

// write writes a value. Where its owner is NULL, the acting user's it is.
func (r *RowsOf[T]) write(ctx context.Context, v T, verb func(*Rows, context.Context, Row) (Record, error)) (RecordOf[T], error) {
	row, owner := r.fields.row(v), r.fields.schema.Owner
	if owner != "" && r.s.user != nil && datum.Plain(row[owner]) == nil {
		row[owner] = *r.s.user
	}
	return r.run(ctx, func(rows *Rows) (Record, error) { return verb(rows, ctx, row) })
}

func (r *RowsOf[T]) run(ctx context.Context, fn func(*Rows) (Record, error)) (RecordOf[T], error) {
	rows, err := r.Rows(ctx)
	if err != nil {
		return RecordOf[T]{}, err
	}
	rec, err := fn(rows)
	if err != nil {
		return RecordOf[T]{}, err
	}
	return scanOf[T](r.fields, rows, rec)
}

// Update is [Rows.Update]: it takes the columns to change by their names.
func (r *RowsOf[T]) Update(ctx context.Context, row Row) (RecordOf[T], error) {
	return r.run(ctx, func(rows *Rows) (Record, error) { return rows.Update(ctx, row) })
}

// Delete is [Rows.Delete].
func (r *RowsOf[T]) Delete(ctx context.Context, key ...any) (RecordOf[T], error) {
	return r.run(ctx, func(rows *Rows) (Record, error) { return rows.Delete(ctx, key...) })
}

// Restore is [Rows.Restore].
func (r *RowsOf[T]) Restore(ctx context.Context, version int64, key ...any) (RecordOf[T], error) {
	return r.run(ctx, func(rows *Rows) (Record, error) { return rows.Restore(ctx, version, key...) })
}

// Undo is [Rows.Undo].
func (r *RowsOf[T]) Undo(ctx context.Context, key ...any) (RecordOf[T], error) {
	return r.run(ctx, func(rows *Rows) (Record, error) { return rows.Undo(ctx, key...) })
}

// Latest is [Rows.Latest].
func (r *RowsOf[T]) Latest(ctx context.Context, key ...any) (RecordOf[T], error) {
	return r.run(ctx, func(rows *Rows) (Record, error) { return rows.Latest(ctx, key...) })
}

// Contains is [Rows.Contains].
func (r *RowsOf[T]) Contains(ctx context.Context, key ...any) (bool, error) {
	rows, err := r.Rows(ctx)
	if err != nil {
		return false, err
	}
	return rows.Contains(ctx, key...)
}

// All is [Rows.All].
func (r *RowsOf[T]) All(ctx context.Context, q Query) (page.Page[RecordOf[T]], error) {
	return r.page(ctx, func(rows *Rows) (page.Page[Record], error) { return rows.All(ctx, q) })
}

// History is [Rows.History].
func (r *RowsOf[T]) History(ctx context.Context, p page.Request, key ...any) (page.Page[RecordOf[T]], error) {
	return r.page(ctx, func(rows *Rows) (page.Page[Record], error) { return rows.History(ctx, p, key...) })
}

func (r *RowsOf[T]) page(ctx context.Context, fn func(*Rows) (page.Page[Record], error)) (page.Page[RecordOf[T]], error) {
	out := page.Page[RecordOf[T]]{Data: []RecordOf[T]{}}
	rows, err := r.Rows(ctx)
	if err != nil {
		return out, err
	}
	p, err := fn(rows)
	if err != nil {
		return out, err
	}
	out.Info = p.Info
	for _, rec := range p.Data {
		v, err := scanOf[T](r.fields, rows, rec)
		if err != nil {
			return out, err
		}
		out.Data = append(out.Data, v)
	}
	return out, nil
}

// Each is [Rows.Each].
func (r *RowsOf[T]) Each(ctx context.Context, q Query) iter.Seq2[RecordOf[T], error] {
	return r.walk(ctx, func(rows *Rows) iter.Seq2[Record, error] { return rows.Each(ctx, q) })
}

// Watch is [Rows.Watch].
func (r *RowsOf[T]) Watch(ctx context.Context, after int64) iter.Seq2[RecordOf[T], error] {
	return r.walk(ctx, func(rows *Rows) iter.Seq2[Record, error] { return rows.Watch(ctx, after) })
}

func (r *RowsOf[T]) walk(ctx context.Context, fn func(*Rows) iter.Seq2[Record, error]) iter.Seq2[RecordOf[T], error] {
	return func(yield func(RecordOf[T], error) bool) {
		rows, err := r.Rows(ctx)
		if err != nil {
			yield(RecordOf[T]{}, err)
			return
		}
		for rec, err := range fn(rows) {
			var v RecordOf[T]
			if err == nil {
				v, err = scanOf[T](r.fields, rows, rec)
			}
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// ViewOf is a table of Go values as of a [Point].
type ViewOf[T any] struct {
	r  *RowsOf[T]
	at Point
}

// AsOf is [Rows.AsOf].
func (r *RowsOf[T]) AsOf(at Point) *ViewOf[T] { return &ViewOf[T]{r, at} }

// Latest is [View.Latest].
func (v *ViewOf[T]) Latest(ctx context.Context, key ...any) (RecordOf[T], error) {
	return v.r.run(ctx, func(rows *Rows) (Record, error) { return rows.AsOf(v.at).Latest(ctx, key...) })
}

// Contains is [View.Contains].
func (v *ViewOf[T]) Contains(ctx context.Context, key ...any) (bool, error) {
	rows, err := v.r.Rows(ctx)
	if err != nil {
		return false, err
	}
	return rows.AsOf(v.at).Contains(ctx, key...)
}

// All is [View.All].
func (v *ViewOf[T]) All(ctx context.Context, q Query) (page.Page[RecordOf[T]], error) {
	return v.r.page(ctx, func(rows *Rows) (page.Page[Record], error) { return rows.AsOf(v.at).All(ctx, q) })
}

// Each is [View.Each].
func (v *ViewOf[T]) Each(ctx context.Context, q Query) iter.Seq2[RecordOf[T], error] {
	return v.r.walk(ctx, func(rows *Rows) iter.Seq2[Record, error] { return rows.AsOf(v.at).Each(ctx, q) })
}
