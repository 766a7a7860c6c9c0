package state

import (
	"context"
	"encoding/json"
	"time"

	"github.com/varvedb/varve/errs"
)

// The bounds of a [Batch]: its versions, and the bytes of text after which it
// takes no further one.
const (
	BatchRows  = 2048
	BatchBytes = 1 << 20
)

// Batch holds versions in columns, for those who take over many: nothing in it
// is allocated version by version, and it is used again.
type Batch struct {
	Rows int
	// Fields are Seq, At, Entity, Number, Op, Actor and Source, then one for
	// each column of the table. One of bytes stays empty: who wants bytes asks
	// for versions.
	Fields []Field
	text   int
}

// BatchSystem is how many Fields come before the table's columns.
const BatchSystem = 7

// Field is one column of a batch.
type Field struct {
	Type  Type
	Ints  []int64   // Integer; Time in microseconds since 1970; Boolean, not 0 is true
	Reals []float64 // Real
	// Text and JSON: that of version i is Text[Ends[i-1]:Ends[i]].
	Text []byte
	Ends []uint32
	// Nulls has a bit for every version that has none, Null tells whether any
	// is set. There is a value without meaning at their places.
	Nulls [BatchRows / 64]uint64
	Null  bool
	batch *Batch
}

var batchSystem = [BatchSystem]Type{Integer, Time, Integer, Integer, Text, Text, Integer}

// NewBatch makes an empty batch for a table's versions.
func NewBatch(t *Table) *Batch {
	b := &Batch{Fields: make([]Field, BatchSystem+len(t.Columns))}
	for i := range b.Fields {
		f := &b.Fields[i]
		f.batch = b
		if i < BatchSystem {
			f.Type = batchSystem[i]
		} else {
			f.Type = t.Columns[i-BatchSystem].Type
		}
	}
	return b
}

// Reset empties the batch. What its slices pointed to is written over.
func (b *Batch) Reset() {
	b.Rows, b.text = 0, 0
	for i := range b.Fields {
		f := &b.Fields[i]
		f.Ints, f.Reals, f.Text, f.Ends = f.Ints[:0], f.Reals[:0], f.Text[:0], f.Ends[:0]
		if f.Null {
			f.Nulls, f.Null = [BatchRows / 64]uint64{}, false
		}
	}
}

// Full tells whether the batch takes no further version. Who fills it sets
// every field but those of bytes with one of the methods below, and then calls
// Next.
func (b *Batch) Full() bool { return b.Rows == BatchRows || b.text >= BatchBytes }

// Next ends a version.
func (b *Batch) Next() { b.Rows++ }

// Size is how many bytes of text are in it.
func (b *Batch) Size() int { return b.text }

// Last is the position of the last version, 0 in an empty batch.
func (b *Batch) Last() int64 {
	if b.Rows == 0 {
		return 0
	}
	return b.Fields[0].Ints[b.Rows-1]
}

// Int sets an Integer, a Time or a Boolean.
func (f *Field) Int(n int64) { f.Ints = append(f.Ints, n) }

// Real sets a Real.
func (f *Field) Real(n float64) { f.Reals = append(f.Reals, n) }

// String sets a Text or JSON.
func (f *Field) String(s string) {
	f.Text = append(f.Text, s...)
	f.ended(len(s))
}

// Bytes is String for bytes, which are copied.
func (f *Field) Bytes(s []byte) {
	f.Text = append(f.Text, s...)
	f.ended(len(s))
}

func (f *Field) ended(n int) {
	f.Ends = append(f.Ends, uint32(len(f.Text)))
	f.batch.text += n
}

// SetNull sets NULL.
func (f *Field) SetNull() {
	f.Null = true
	f.Nulls[f.batch.Rows/64] |= 1 << (f.batch.Rows % 64)
	switch f.Type {
	case Text, JSON:
		f.Ends = append(f.Ends, uint32(len(f.Text)))
	case Real:
		f.Reals = append(f.Reals, 0)
	case Integer, Time, Boolean:
		f.Ints = append(f.Ints, 0)
	}
}

// Add adds a version. errs.Internal: a value is not of its column's type.
func (b *Batch) Add(v *Version) error {
	f := b.Fields
	f[0].Int(v.Seq)
	f[1].Int(v.At.UnixMicro())
	f[2].Int(v.Entity)
	f[3].Int(v.Number)
	f[4].String(string(v.Op))
	f[5].String(v.Actor)
	f[6].Int(v.Source)
	for i, value := range v.Values {
		if err := f[BatchSystem+i].set(value); err != nil {
			return err
		}
	}
	b.Next()
	return nil
}

func (f *Field) set(value any) error {
	if value == nil {
		f.SetNull()
		return nil
	}
	ok := f.Type == Bytes
	switch v := value.(type) {
	case int64:
		if ok = f.Type == Integer; ok {
			f.Int(v)
		}
	case time.Time:
		if ok = f.Type == Time; ok {
			f.Int(v.UnixMicro())
		}
	case bool:
		if ok = f.Type == Boolean; ok {
			n := int64(0)
			if v {
				n = 1
			}
			f.Int(n)
		}
	case float64:
		if ok = f.Type == Real; ok {
			f.Real(v)
		}
	case string:
		if ok = f.Type == Text; ok {
			f.String(v)
		}
	case json.RawMessage:
		if ok = f.Type == JSON; ok {
			f.Bytes(v)
		}
	}
	if !ok {
		return errs.New(errs.Internal, "a %T is in a column of type %s", value, f.Type)
	}
	return nil
}

// Fill is given a batch that has versions in it, nil at first, and returns the
// next one to fill, empty. The batch that was given is its own from then on.
type Fill func(full *Batch) (empty *Batch, err error)

// Batcher hands out its log in batches. A [Store] may be one.
type Batcher interface {
	// Batches gives to fill the versions of Log with positions over after and
	// up to to, in order. They need not be of one moment, but what it has
	// handed out, nothing later comes before. The last batch may be smaller,
	// and none is empty. It ends with the error of fill.
	Batches(ctx context.Context, t *Table, after, to int64, fill Fill) error
}

// Batches is the Batches of any store: its own, or made of its Log.
func Batches(ctx context.Context, s Store, t *Table, after, to int64, fill Fill) error {
	if b, ok := s.(Batcher); ok {
		return b.Batches(ctx, t, after, to, fill)
	}
	b, err := fill(nil)
	for more := true; more && err == nil; {
		var vs []Version
		if vs, err = s.Log(ctx, t, after, 4*BatchRows); err != nil {
			return err
		}
		n := 0
		for ; n < len(vs) && vs[n].Seq <= to; n++ {
			if err := b.Add(&vs[n]); err != nil {
				return err
			}
			if b.Full() {
				if b, err = fill(b); err != nil {
					return err
				}
			}
			after = vs[n].Seq
		}
		more = n > 0 && n == len(vs) && after < to // a store may give fewer than asked for
	}
	if err == nil && b.Rows > 0 {
		_, err = fill(b)
	}
	return err
}
